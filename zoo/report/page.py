"""The page: one file that needs nothing beside it, and may ask for nothing: its own policy forbids all but what is in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from zoo.report import sections
from zoo.report.content import Content
from zoo.report.markup import Markup, facts, join, table, tag, words
from zoo.report.pictures import Picture
from zoo.report.scale import Scale
from zoo.report.scored import score_charts, score_table, with_interval
from zoo.report.settings import Settings
from zoo.report.tracks import alike, measured, named, ranked, tracks
from zoo.report.training import curves, others, scale_of_steps, scales_in_common, trouble
from zoo.run.scores import incomparable

MOST_NAMES = 3
"""Runs whose names are in the title."""


@dataclass(frozen=True)
class Part:
    """What the page shows of one run."""

    content: Content
    settings: Settings
    frames: Sequence[Picture]
    copies: Picture | None


def page(parts: Sequence[Part], version: str) -> str:
    """The report on these runs as HTML. `version`: of the zoo that makes it."""
    contents = [part.content for part in parts]
    several, guard = len(parts) > 1, contents[0].guard
    steps = guard.read("steps", partial(scale_of_steps, contents), Scale(0.0, 1.0))
    shared = guard.read("scales", partial(scales_in_common, contents), [None, None])
    title = ", ".join(content.name for content in contents[:MOST_NAMES])
    title += " and others" if len(contents) > MOST_NAMES else ""
    style, script = (Markup(files("zoo.report").joinpath(name).read_text("utf-8")) for name in ("page.css", "page.js"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{words(title, 200)}: report of zoo"),
        tag("style", style),
    )

    def every(title: str, show: Callable[[Part], object], *first: object) -> Markup:
        """A section with what is shown of every run, side by side."""
        shown = [
            tag(
                "div",
                tag("h3", part.content.name, class_="run") if several else None,
                _guarded(part, title, show),
                class_="one",
            )
            for part in parts
        ]
        return _section(title, *first, tag("div", *shown, class_="several" if several else "single"))

    main = tag(
        "main",
        _header(parts, title),
        guard.read("comparison", partial(_comparison, parts), None) if several else None,
        tag(
            "div",
            every("Pictures", lambda part: sections.film(part.content, part.frames)),
            every("Training", lambda part: _training(part.content, steps, shared)),
            class_=None if several else "duo",
        ),
        every(
            "Scores",
            lambda part: score_table(part.content),
            guard.read("scores", partial(score_charts, contents, steps), None),
        ),
        every("Nearest training pictures", lambda part: sections.nearest(part.content, part.copies)),
        every("Settings", lambda part: sections.settings_of(part.content, part.settings)),
        every("How to reproduce it", lambda part: sections.again(part.content, part.settings)),
        every("Environment", lambda part: sections.surroundings(part.content)),
        _left_out(parts),
        tag(
            "footer",
            f"Made by zoo {version} from what lies in the folder of the run; nothing is loaded from elsewhere.",
        ),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', main, tag('script', script)), lang='en')}\n"


def _guarded(part: Part, title: str, show: Callable[[Part], object]) -> object:
    """What is shown of a run; where a file of it holds what nobody has thought of, a line, and the rest of the page stays."""
    return part.content.guard.read(title.lower(), partial(show, part), tag("p", "Left out: see below.", class_="none"))


def _policy(style: str, script: str) -> str:
    """That the page loads nothing, and runs and looks as it was written, whatever a run has smuggled in."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"


def _section(title: str, *children: object) -> Markup:
    name = title.lower().replace(" ", "-")
    return tag("section", tag("h2", title, id=name), *children, aria_labelledby=name)


def _header(parts: Sequence[Part], title: str) -> Markup:
    if len(parts) > 1:
        return tag(
            "header", tag("p", "zoo report", class_="brand"), tag("h1", f"{len(parts)} runs: {words(title, 200)}")
        )
    (part,) = parts
    return tag(
        "header",
        tag("p", "zoo report", class_="brand"),
        tag("h1", part.content.name),
        tag("p", sections.subtitle(part.content), class_="subtitle"),
        facts(part.content.guard.read("facts", partial(sections.key_facts, part.content), ()), "tiles"),
    )


def _training(content: Content, steps: Scale, shared: Sequence[Scale | None]) -> Markup:
    charts = tag("div", *curves(content, steps, shared), class_="charts")
    return join([charts, trouble(content), others(content, steps)])


def _comparison(parts: Sequence[Part]) -> Markup:
    """Several runs side by side: facts, options that differ, and scores that compare."""
    contents = [part.content for part in parts]
    rows: list[tuple[object, ...]] = [("what", *(sections.subtitle(content) for content in contents))]
    known = [dict(sections.key_facts(content)) for content in contents]
    score_rows, notes = _compared(contents)
    scored = {row[0] for row in score_rows}
    for name in dict.fromkeys(name for of in known for name in of if name not in scored):
        rows.append((name, *(of.get(name, "") for of in known)))
    options = [part.settings.values() for part in parts]
    for name in dict.fromkeys(name for of in options for name in of):
        values = [words(of[name]) if name in of else "–" for of in options]
        if name not in known[0] and len(set(values)) > 1:
            rows.append((tag("code", words(name, 60).replace("_", "-")), *values))
    names = ["", *(content.name for content in contents)]
    body = table(names, [*rows, *score_rows], "The runs side by side: facts, options that differ, scores", "compare")
    return _section("Side by side", body, *(tag("p", note, class_="none") for note in notes))


def _compared(contents: Sequence[Content]) -> tuple[list[tuple[object, ...]], list[str]]:
    """A row for each ranked number, in which stand those that compare, of as many runs as do; and what does not."""
    every = [tracks(content) for content in contents]
    rows: list[tuple[object, ...]] = []
    notes: dict[str, None] = {}
    for key in dict.fromkeys(key for found in every for key in ranked(found)):
        metric, number = (words(each, 40) for each in key)
        together = alike(key, every)[0]
        made = together[0][1].of.provenance_of(key[0])
        cells = []
        for place, (content, found) in enumerate(zip(contents, every, strict=True)):
            if key not in found:
                cells.append("–")
                continue
            series = next((of for run, of in together if run == place), None)
            cells.append("does not compare" if series is None else with_interval(series.newest))
            if series is None:
                differing = words(", ".join(incomparable(made, found[key].of.provenance_of(key[0]))))
                notes[f"Scores of {content.name} do not compare: they differ in {differing}."] = None
            elif series is not found[key].series[0]:
                how = f"{measured(series, key[0])}, step {series.step:,}"
                notes[f"{metric} of {content.name} is not its newest, but what compares: {words(how)}."] = None
        rows.append((named(metric, number), *cells))
    return rows, list(notes)


def _left_out(parts: Sequence[Part]) -> Markup | None:
    """What could not be read."""
    lines = [
        (f"{part.content.name}: " if len(parts) > 1 else "") + line
        for part in parts
        for line in part.content.guard.lines
    ]
    if not lines:
        return None
    return _section("Left out", tag("ul", *(tag("li", line) for line in dict.fromkeys(lines)), class_="left-out"))
