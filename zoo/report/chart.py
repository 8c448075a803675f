"""Curves over steps as SVG that fits any width: what is drawn stretches, lines and letters do not.

Colours are classes of the page's style, so that a chart follows it into the dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.markup import Markup, number, tag
from zoo.report.scale import Floats, Scale

COLUMNS = 400
"""Places across a chart; of a curve with more points each place shows the mean, and between which values it went."""

MOST_MARKS = 60
_APART = 0.04  # of the width between two labels
_SIDE = 1000  # units of what stretches


@dataclass(frozen=True)
class Line:
    """A curve: its numbers over the steps, and the class that colours it."""

    name: str
    colour: str
    steps: Floats
    values: Floats
    smooth: Floats | None = None
    """What is drawn boldly, with `values` behind it."""
    low: Floats | None = None
    high: Floats | None = None
    """An interval around each number."""
    dots: bool = False
    """Whether each number is marked."""
    mark: bool = False
    """Whether nothing but these marks is drawn, each with its interval."""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a step."""

    step: float
    label: str


@dataclass(frozen=True)
class Level:
    """A number that others are compared with."""

    value: float
    name: str


def chart(
    title: str,
    lines: Sequence[Line],
    across: Scale,
    up: Scale,
    marks: Sequence[Mark] = (),
    levels: Sequence[Level] = (),
) -> Markup:
    """A figure with its legend, axes and curves."""
    inner: list[Markup] = []
    curves = [line for line in lines if not line.mark]
    for line in curves:
        inner += _band(line, across, up)
    for line in curves:
        inner += _curve(line, across, up)
    stretched = tag(
        "svg", *inner, viewBox=f"0 0 {_SIDE} {_SIDE}", preserveAspectRatio="none", width="100%", height="100%"
    )
    over = [*_levels(levels, up), *_marks(marks, across)]
    over += [each for line in lines if line.mark for each in _reaches(line, across, up)]
    dots = [dot for line in lines if line.dots or line.mark for dot in _dots(line, across, up)]
    plot = tag(
        "svg",
        *_grid(up),
        stretched,
        *over,
        *dots,
        class_="plot",
        role="img",
        aria_label=_description(title, lines, marks),
    )
    axes = tag("div", _vertical(up), plot, tag("span"), _horizontal(across), class_="axes")
    return tag("figure", tag("figcaption", tag("b", title), _legend(lines, levels, marks)), axes, class_="chart")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _grid(up: Scale) -> list[Markup]:
    places = [_percent(1 - up.at(value)) for value in up.ticks(5)]
    return [tag("line", class_="grid", x1="0", x2="100%", y1=place, y2=place) for place in places]


def _vertical(up: Scale) -> Markup:
    texts = [
        tag("text", number(value), x="100%", y=_percent(1 - up.at(value)), dy="0.35em", text_anchor="end")
        for value in up.ticks(5)
    ]
    return tag("svg", *texts, class_="up", aria_hidden="true")


def _horizontal(across: Scale) -> Markup:
    texts = []
    for value in across.ticks(5):
        share = across.at(value)
        anchor = "start" if share < 0.04 else "end" if share > 0.96 else "middle"
        texts.append(tag("text", number(value), x=_percent(share), y="1em", text_anchor=anchor))
    return tag("svg", *texts, class_="across", aria_hidden="true")


def _levels(levels: Sequence[Level], up: Scale) -> list[Markup]:
    places = [_percent(1 - up.at(level.value)) for level in levels if 0 <= up.at(level.value) <= 1]
    return [tag("line", class_="level", x1="0", x2="100%", y1=place, y2=place) for place in places]


def _marks(marks: Sequence[Mark], across: Scale) -> list[Markup]:
    """A line at each, and labels: those that would stand on each other are one, 3–5."""
    placed = [(share, mark.label) for mark in marks[:MOST_MARKS] if 0 <= (share := across.at(mark.step)) <= 1]
    groups: list[list[tuple[float, str]]] = []
    for each in sorted(placed):
        if groups and each[0] - groups[-1][0][0] < _APART:
            groups[-1].append(each)
        else:
            groups.append([each])
    places = [_percent(share) for share, _ in placed]
    found = [tag("line", class_="mark", x1=place, x2=place, y1="0", y2="100%") for place in places]
    for group in groups:
        share = (group[-1] if (left := group[0][0] < 0.5) else group[0])[0]
        names = [name for _, name in group]
        label = names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}"
        side = {"text_anchor": "start", "dx": "4"} if left else {"text_anchor": "end", "dx": "-4"}
        found.append(tag("text", label, class_="mark", x=_percent(share), y="11", **side))
    return found


def _thinned(line: Line, across: Scale) -> tuple[Floats, Floats, Floats, Floats]:
    """Places across, what is drawn boldly, and between which values it went."""
    shares, bold = across.share(line.steps), line.values if line.smooth is None else line.smooth
    low = line.values if line.low is None else line.low
    high = line.values if line.high is None else line.high
    known = np.isfinite(shares) & np.isfinite(bold)
    shares, bold, low, high = shares[known], bold[known], low[known], high[known]
    if len(shares) <= COLUMNS:
        return shares, bold, low, high
    place = np.clip((shares * COLUMNS).astype(np.int64), 0, COLUMNS - 1)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    counts = np.diff(np.append(starts, len(order)))
    return (
        np.add.reduceat(shares[order], starts) / counts,
        np.add.reduceat(bold[order], starts) / counts,
        np.fmin.reduceat(low[order], starts),
        np.fmax.reduceat(high[order], starts),
    )


def _points(shares: Floats, heights: Floats) -> str:
    pairs = zip(shares * _SIDE, (1 - heights) * _SIDE, strict=True)
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in pairs if np.isfinite(x) and np.isfinite(y))


def _curve(line: Line, across: Scale, up: Scale) -> list[Markup]:
    shares, bold, _, _ = _thinned(line, across)
    return _path(f"curve {line.colour}", _points(shares, up.share(bold)))


def _path(class_: str, points: str, end: str = "") -> list[Markup]:
    return [tag("path", class_=class_, d=Markup(f"M{points}{end}"))] if points else []


def _band(line: Line, across: Scale, up: Scale) -> list[Markup]:
    """What lies behind a curve: the area between the lowest and the highest values at each place, or what was smoothed."""
    if line.low is None and len(line.values) <= COLUMNS:
        raw = _points(across.share(line.steps), up.share(line.values)) if line.smooth is not None else ""
        return _path(f"raw {line.colour}", raw)
    shares, _, low, high = _thinned(line, across)
    below, above = up.share(low), up.share(high)
    known = np.isfinite(below) & np.isfinite(above)
    if known.sum() < 2:
        return []
    forth = _points(shares[known], above[known])
    back = _points(shares[known][::-1], below[known][::-1])
    return _path(f"band {line.colour}", f"{forth}L{back}", "Z")


def _dots(line: Line, across: Scale, up: Scale) -> list[Markup]:
    shares, bold, _, _ = _thinned(line, across)
    kind = "dot open" if line.mark else "dot"
    return [
        tag("circle", class_=f"{kind} {line.colour}", cx=_percent(x), cy=_percent(1 - y), r="3")
        for x, y in zip(shares, up.share(bold), strict=True)
        if np.isfinite(y)
    ]


def _reaches(line: Line, across: Scale, up: Scale) -> list[Markup]:
    """The interval of each number, as a line from end to end."""
    shares, _, low, high = _thinned(line, across)
    return [
        tag(
            "line",
            class_=f"reaching {line.colour}",
            x1=_percent(x),
            x2=_percent(x),
            y1=_percent(1 - a),
            y2=_percent(1 - b),
        )
        for x, a, b in zip(shares, up.share(low), up.share(high), strict=True)
        if np.isfinite(a) and np.isfinite(b)
    ]


def _legend(lines: Sequence[Line], levels: Sequence[Level], marks: Sequence[Mark]) -> Markup:
    keys = [(f"{line.colour} open" if line.mark else line.colour, line.name) for line in lines]
    keys += [("thin", "thin: as logged")] if any(line.smooth is not None for line in lines) else []
    keys += [("level", level.name) for level in levels[:1]]
    keys += [("mark", "trouble")] if marks else []
    return tag("span", *(tag("span", tag("i", class_=colour), name) for colour, name in keys), class_="legend")


def _description(title: str, lines: Sequence[Line], marks: Sequence[Mark]) -> str:
    """The chart in words, for whoever does not see it."""
    told = []
    for line in lines:
        values = (line.values if line.smooth is None else line.smooth)[np.isfinite(line.values)]
        if len(values):
            told.append(f"{line.name} from {number(float(values[0]))} to {number(float(values[-1]))}")
    trouble = f"; trouble at {len(marks)} places" if marks else ""
    return f"{title} over the steps: {'; '.join(told) or 'no numbers'}{trouble}"
