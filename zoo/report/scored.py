"""The section on scores: what evaluations found, each number with its interval and its floor, over the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from zoo.metric import Metric
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry
from zoo.report.chart import Level, Line, chart
from zoo.report.content import Content
from zoo.report.markup import Markup, facts, join, number, table, tag, words
from zoo.report.scale import Floats, Scale, span
from zoo.run.scores import Score, Scores, incomparable

MOST_NUMBERS = 80
"""Numbers of a run that are shown."""

_MOST_POINTS = 400
_MOST_CHARTS, _SHOWN = 24, 6
"""Charts in all, and those that need not be unfolded."""
_LARGEST = 1e100


@dataclass(frozen=True)
class Track:
    """One number of one run: its newest score, and those before that compare with it."""

    metric: str
    name: str
    scores: Sequence[tuple[int, Score]]
    """By step, the newest last."""
    of: Scores
    """The evaluation of the newest."""
    apart: Sequence[str]
    """What earlier ones that do not compare differ in."""

    @property
    def newest(self) -> Score:
        """The last one."""
        return self.scores[-1][1]


def tracks(content: Content) -> dict[tuple[str, str], Track]:
    """The numbers of a run by metric and name."""
    found: dict[tuple[str, str], Track] = {}
    metrics = dict.fromkeys(name for scores in content.scores for name in scores.scores)
    for metric in sorted(metrics, key=_order):
        every = [scores for scores in content.scores if metric in scores.scores and 0 <= scores.step < 2**53]
        if not every:
            continue
        newest = max(reversed(every), key=lambda scores: scores.step)
        made = newest.provenance_of(metric)
        differing = {id(scores): incomparable(made, scores.provenance_of(metric)) for scores in every}
        alike = {scores.step: scores for scores in every if not differing[id(scores)]}  # the last of each step
        apart = list(dict.fromkeys(each for of in differing.values() for each in of))
        for name in newest.scores[metric]:
            by_step = {step: score for step in sorted(alike) if (score := _known(alike[step].of(metric, name)))}
            if by_step and len(found) < MOST_NUMBERS:
                found[metric, name] = Track(metric, name, list(by_step.items()), newest, apart)
    return found


def _known(score: Score | None) -> Score | None:
    """A score that has a number; its interval and floor only where they are numbers of a size that can be drawn."""
    if score is None or score.value is None or not abs(score.value) < _LARGEST:
        return None
    low, high, floor = (
        value if value is not None and abs(value) < _LARGEST else None for value in (score.low, score.high, score.floor)
    )
    return Score(score.value, low, high, floor)


def ranked(found: Mapping[tuple[str, str], Track]) -> list[tuple[str, str]]:
    """The numbers that checkpoints are ranked by; of a metric that ranks by none, or is not installed, the first."""
    chosen = []
    for metric in dict.fromkeys(metric for metric, _ in found):
        names = [name for other, name in found if other == metric]
        best = [name for name in names if name in getattr(_metric(metric), "best", {})]
        chosen += [(metric, name) for name in best or names[:1]]
    return chosen


def firsts_first(keys: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Numbers by metric and name, with the first of each metric before the second ones: what differs most comes first."""
    places = {key: [name for metric, name in keys if metric == key[0]].index(key[1]) for key in keys}
    return sorted(keys, key=lambda key: places[key])


def with_interval(score: Score) -> Markup:
    """A score and its interval: 24.6, 22.4 to 26.8."""
    value, reach = number(score.value or 0.0), _interval_words(score)
    return tag("span", value, " ", tag("small", reach) if reach else None, class_="score")


def score_charts(contents: Sequence[Content], across: Scale) -> Markup | None:
    """Charts of scores over the steps, in each the runs whose scores compare; None where there is nothing to draw."""
    every = [tracks(content) for content in contents]
    keys = firsts_first(list(dict.fromkeys(key for found in every for key in ranked(found))))
    figures: list[Markup] = []
    for key in keys:
        alike = _comparable(key[0], [(place, found[key]) for place, found in enumerate(every) if key in found])
        figures += [
            _chart(key, group, contents, across) for group in alike if max(len(of.scores) for _, of in group) > 1
        ]
    if not figures:
        return None
    figures = figures[:_MOST_CHARTS]
    rest = figures[_SHOWN:]
    more = tag("details", tag("summary", f"{len(rest)} more over the steps"), tag("div", *rest, class_="charts"))
    return tag("div", tag("div", *figures[:_SHOWN], class_="charts"), more if rest else None)


def _comparable(metric: str, having: Sequence[tuple[int, Track]]) -> list[list[tuple[int, Track]]]:
    """The runs that have a number, those together that compare."""
    groups: list[list[tuple[int, Track]]] = []
    for place, track in having:
        made = track.of.provenance_of(metric)
        for group in groups:
            if not incomparable(group[0][1].of.provenance_of(metric), made):
                group.append((place, track))
                break
        else:
            groups.append([(place, track)])
    return groups


def _chart(
    key: tuple[str, str], drawn: Sequence[tuple[int, Track]], contents: Sequence[Content], across: Scale
) -> Markup:
    lines = []
    for place, track in drawn:
        scores = track.scores[:: -(-len(track.scores) // _MOST_POINTS)]
        steps = np.array([float(step) for step, _ in scores])
        value, low, high = (
            _numbers([getattr(score, name) for _, score in scores]) for name in ("value", "low", "high")
        )
        name = contents[place].name if len(contents) > 1 else "95 % interval shaded"
        low, high = np.where(np.isnan(low), value, low), np.where(np.isnan(high), value, high)
        lines.append(Line(words(name, 40), f"run{place % 6}", steps, value, None, low, high, dots=len(scores) <= 60))
    floor = next((track.newest.floor for _, track in drawn if track.newest.floor is not None), None)
    levels = [] if floor is None else [Level(floor, "floor: real against real")]
    bounds = [each for line in lines for each in (line.low, line.high) if each is not None]
    low_, high_ = span([*bounds, np.array([floor], np.float64)] if floor is not None else bounds) or (0.0, 1.0)
    room = 0.06 * (high_ - low_)
    up = Scale.of(min(0.0, low_) if 0 <= low_ < 0.5 * high_ else low_ - room, high_ + room)
    return chart(f"{words(key[0], 60)}: {words(key[1], 60)}", lines, across, up, (), levels)


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def score_table(content: Content) -> Markup:
    """The newest scores of a run, and what they rest on."""
    found = tracks(content)
    if not found:
        how = tag("code", f"zoo evaluate {words(content.name)}")
        return tag("p", "Not evaluated. ", how, " measures it and keeps the scores for the next report.", class_="none")
    tables = []
    for metric in dict.fromkeys(metric for metric, _ in found):
        of = [track for (name, _), track in found.items() if name == metric]
        meaning = getattr(_metric(metric), "numbers", {})
        rows = [
            (
                tag("span", words(each.name, 60), _meaning(meaning.get(each.name))),
                number(each.newest.value or 0.0),
                _interval_words(each.newest),
                "" if each.newest.floor is None else number(each.newest.floor),
                _interval(each.newest),
            )
            for each in of
        ]
        step = of[0].scores[-1][0]
        caption = f"{words(metric, 60)}, step {step:,}"
        folded = len(rows) > 6
        body = table(("number", "value", "95 % interval", "floor", ""), rows, caption, "scores")
        tables.append(tag("details", tag("summary", f"{caption}: {len(rows)} numbers"), body) if folded else body)
    return join([*tables, _basis(list(found.values()))])


def _meaning(text: object) -> Markup | None:
    return tag("small", words(text)) if isinstance(text, str) and text else None


def _interval_words(score: Score) -> str:
    return "" if score.low is None or score.high is None else f"{score.low:.3g} to {score.high:.3g}"


def _interval(score: Score) -> Markup:
    """A score, its interval and its floor on a line; for the eye alone, as the numbers stand beside it."""
    value = score.value or 0.0
    every = [each for each in (value, score.low, score.high, score.floor) if each is not None]
    low, high = min(0.0, *every), max(every)
    across = Scale.of(low, 1.0 if low >= 0 and 0.2 < high <= 1 else high + 0.04 * (high - low))
    parts = [tag("line", class_="grid", x1="0", x2="100%", y1="50%", y2="50%")]
    if score.floor is not None:
        place = f"{100 * across.at(score.floor):.1f}%"
        parts.append(tag("line", class_="level", x1=place, x2=place, y1="0", y2="100%"))
    if score.low is not None and score.high is not None:
        ends = [f"{100 * across.at(each):.1f}%" for each in (score.low, score.high)]
        parts.append(tag("line", class_="reach", x1=ends[0], x2=ends[1], y1="50%", y2="50%"))
    parts.append(tag("circle", class_="dot run0", cx=f"{100 * across.at(value):.1f}%", cy="50%", r="3.5"))
    return tag("svg", *parts, class_="interval", aria_hidden="true")


def _basis(found: Sequence[Track]) -> Markup:
    """Where the numbers come from, to be unfolded."""
    newest = max(found, key=lambda track: track.scores[-1][0]).of
    rows = [(words(name, 60).replace("_", " "), words(value)) for name, value in list(newest.provenance.items())[:40]]
    for metric, of in list(newest.apart.items())[:20]:
        differing = ", ".join(f"{words(name, 60).replace('_', ' ')} {words(value, 80)}" for name, value in of.items())
        rows.append((f"of {words(metric, 60)} alone", words(differing)))
    apart = list(dict.fromkeys(each for track in found for each in track.apart))
    note = (
        f"Earlier scores that do not compare with the newest are left out: {words(', '.join(apart))}." if apart else ""
    )
    inner = [facts(rows), tag("p", note, class_="none") if note else None]
    return tag("details", tag("summary", "What these numbers rest on"), *inner)


def _order(name: str) -> float:
    """Its place among metrics; last where it is not installed."""
    return getattr(_metric(name), "order", math.inf)


def _metric(name: str) -> type[Metric] | None:
    """The metric of that name; None where it is not installed."""
    with suppress(Exception):  # a plugin that fails has no say in a report
        found: type[Metric] = registry().find(METRIC, name)
        return found
    return None
