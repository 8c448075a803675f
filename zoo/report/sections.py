"""The parts of a report on one run: what it is, its pictures, its settings, its surroundings, how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.options.resolve import flag
from zoo.plots.curves import series
from zoo.report.content import Content
from zoo.report.markup import Markup, facts, join, lines, table, tag, words
from zoo.report.pictures import Picture
from zoo.report.scored import with_interval
from zoo.report.settings import Setting, Settings, command
from zoo.report.tracks import firsts_first, named, ranked, tracks
from zoo.run.html import clock

_NARROW = 320  # pixels of a picture below which it is shown at twice its size

MOST_ROWS = 300
"""Options, and what else a config.json lists, that are shown."""


def subtitle(content: Content) -> str:
    """What a run is, in a line: dcgan, preset mnist, on 5,000 images of embedded digits."""
    preset = content.config.get("preset")
    parts = [
        words(content.config.get("architecture"), 60),
        f"preset {words(preset, 60)}" if preset else "",
        _data(content),
    ]
    return " · ".join(part for part in parts if part)


def _data(content: Content) -> str:
    data = content.part("data")
    count, title = data.get("images"), data.get("title")
    kind = "points" if data.get("points") is True else "images"
    counted = f"{count:,} {kind}" if isinstance(count, int) else kind
    return f"{counted} of {words(title, 80)}" if title else ""


def key_facts(content: Content) -> list[tuple[str, object]]:
    """The facts of a run that a person asks for first."""
    total = content.steps
    steps = f"{content.done:,}" + (f" of {total:,}" if total is not None and total != content.done else "")
    rows: list[tuple[str, object]] = [("state", content.state), ("steps", steps)]
    if (seconds := _number(content.last.get("seconds"))) is not None:
        rows.append(("time in steps", clock(min(max(seconds, 0), 1e10))))
    if (speed := _speed(content)) is not None:
        rows.append(("images per second", f"{speed:,.0f}"))
    for metric, name in firsts_first(ranked(found := tracks(content)))[:2]:
        rows.append((named(words(metric, 40), words(name, 40)), with_interval(found[metric, name].newest)))
    for step, kept in content.checkpoints:
        rows += [(f"kept as {words(mark, 60)}", f"{words(value, 40)}, step {step:,}") for mark, value in kept.items()]
    rows.append(("trouble", f"{len(content.events):,} times" if content.events else "none found"))
    for role, count in content.parameters.items():
        rows.append((f"parameters of {role[0].upper()}", f"{count:,}"))
    data = content.part("data")
    sides = [data.get(name) for name in ("height", "width", "channels")]
    if all(isinstance(side, int) for side in sides) and data.get("points") is not True:
        rows.append(("images", "×".join(map(str, sides))))
    if isinstance(classes := data.get("class_names"), list) and classes:
        rows.append(("classes", f"{len(classes):,}"))
    if content.healing:
        rows.append(("went back to a checkpoint", f"{len(content.healing):,} times"))
    if isinstance(begun := content.config.get("from"), dict):
        rows.append(("began with weights of", f"{words(begun.get('path'))}, step {words(begun.get('step'))}"))
    return rows


def _speed(content: Content) -> float | None:
    values = series(content.metrics, "images_per_second")
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else None
    )


def film(content: Content, frames: Sequence[Picture]) -> Markup:
    """The grid over time, with a slider."""
    if not frames:
        return tag("p", "There are no pictures in the run.", class_="none")
    last = len(frames) - 1
    images = [
        tag(
            "img", src=each.source, alt=f"Generated images of {content.name} after {each.step} steps",
            width=each.width, height=each.height, data_step=f"{each.step:,}", hidden=None if place == last else True,
            decoding="async",
        )
        for place, each in enumerate(frames)
    ]  # fmt: skip
    shown = tag("figcaption", "step ", tag("output", f"{frames[-1].step:,}", aria_live="off"))
    slider = tag(
        "input", type="range", min=0, max=last, step=1, value=last, aria_label=f"step of the pictures of {content.name}",
        aria_valuetext=f"step {frames[-1].step:,}",
    )  # fmt: skip
    play = tag("button", "Play", type="button", aria_label=f"play the pictures of {content.name}")
    controls = tag("div", play, slider, class_="controls", hidden=True) if last else None
    return tag(
        "figure", tag("div", *images, class_="frames"), tag("div", controls, shown, class_="below"), class_="film"
    )


def nearest(content: Content, picture: Picture | None) -> Markup:
    """The samples that are closest to training images."""
    if picture is not None:
        step = "" if picture.step is None else f" after {picture.step:,} steps"
        about = f"Samples of {content.name}{step} that are closest to a training image, each beside it"
        times = 2 if picture.width < _NARROW else 1
        image = tag("img", src=picture.source, alt=about, width=times * picture.width, height=times * picture.height)
        return tag(
            "figure",
            image,
            tag(
                "figcaption",
                f"{about}. “Differs” says how far the pixels of the two are apart (root mean square): 0 % is the same "
                "picture, 100 % white for black.",
            ),
            class_="copies",
        )
    place = shlex.join([content.name])
    how = tag("code", f"zoo evaluate {words(place)} --metric copies")
    return tag(
        "p",
        "Not drawn. ",
        how,
        " draws the ten closest pairs into the run, where the next report finds them.",
        class_="none",
    )


def settings_of(content: Content, settings: Settings) -> Markup:
    """What differs from preset and defaults, changes on the way, and all options to be unfolded."""
    parts: list[object] = []
    if not settings.known:
        parts.append(tag("p", "Presets and defaults of this architecture are not known here.", class_="none"))
    elif notable := settings.notable:
        rows = [_row(each) for each in notable[:MOST_ROWS]]
        parts.append(
            table(("option", "this run", "preset", "default"), rows, "Set by hand or by the preset", "settings")
        )
    else:
        parts.append(tag("p", "All options have their defaults.", class_="none"))
    if content.changes:
        rows_ = [
            (_told(each), words(each.get("option"), 60), words(each.get("from")), words(each.get("to")))
            for each in content.changes[:MOST_ROWS]
        ]
        parts.append(table(("step", "option", "from", "to"), rows_, "Changed when the run went on"))
    if content.healing:
        healed = [
            (_told(each), words(each.get("trouble"), 60), words(each.get("detected_at")), words(each.get("changes")))
            for each in content.healing[:MOST_ROWS]
        ]
        parts.append(
            table(("back to step", "because of", "found at step", "changed"), healed, "Went back to a good checkpoint")
        )
    every = [(flag(words(each.name, 60)), words(each.value)) for each in settings.all[:MOST_ROWS]]
    parts.append(tag("details", tag("summary", f"All {len(settings.all)} options"), facts(every)))
    return join(parts)


def _row(each: Setting) -> tuple[object, ...]:
    value = words(each.value)
    return (
        flag(words(each.name, 60)),
        tag("b", value) if each.differs else value,
        words(each.preset),
        words(each.default),
    )


def _told(line: Mapping[str, Any]) -> str:
    return words(line.get("step"), 40)


def surroundings(content: Content) -> Markup:
    """Versions, device and the like."""
    environment, plugin = content.part("environment"), content.part("plugin")
    rows = [
        (words(name, 60).replace("_", " "), words(value))
        for name, value in list(environment.items())[:MOST_ROWS]
        if name != "ops"
    ]
    made = [words(plugin.get(name), 80) for name in ("distribution", "version") if plugin.get(name)]
    rows.append(("architecture from", " ".join(made)))
    if isinstance(ops := environment.get("ops"), dict):
        native = [
            words(name, 60)
            for name, of in list(ops.items())[:MOST_ROWS]
            if isinstance(of, dict) and "native" in of.values()
        ]
        rows.append(("native ops", ", ".join(native) or "none"))
    rows.append(("data fingerprint", words(content.part("data").get("fingerprint") or "", 80)))
    kept = [
        f"{step:,}" + (f" ({words(', '.join(marks), 80)})" if marks else "")
        for step, marks in content.checkpoints[-20:]
    ]
    rows.append(("checkpoints of steps", ", ".join(kept)))
    return facts(rows)


def again(content: Content, settings: Settings) -> Markup:
    """The commands that train such a run again, look at it, and check it."""
    environment, plugin = content.part("environment"), content.part("plugin")
    name = shlex.quote(content.name)
    wanted = [f"{words(plugin.get('distribution') or 'zoo-gan', 80)}=={words(plugin.get('version') or '', 40)}"]
    if isinstance(torch := environment.get("torch"), str):
        wanted.append(f"torch=={words(torch.partition('+')[0], 40)}")
    typed = [
        f"pip install {shlex.join(wanted)}",
        command(content, settings),
        f"zoo verify {name}",
        f"zoo sample {name} --out more.{'npy' if content.part('data').get('points') is True else 'png'}",
    ]
    parts: list[object] = [tag("pre", tag("code", lines(typed)), tabindex="0", aria_label="commands")]
    if content.changes:
        parts.append(
            tag(
                "p",
                "Options changed on the way: the command begins with what was in force at the end. See the changes above.",
                class_="none",
            )
        )
    parts.append(
        tag(
            "p",
            "The same versions on the same kind of machine give the same numbers; zoo verify says whether they do here.",
            class_="none",
        )
    )
    return join(parts)
