"""The section on how the training went: losses, D's outputs, whatever else was logged, and what was wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.plots.curves import SMOOTHED_FROM, series, smooth, spans_magnitudes, usual_range
from zoo.report.chart import Level, Line, Mark, chart
from zoo.report.content import Content
from zoo.report.markup import Markup, number, tag, words
from zoo.report.scale import Floats, Scale, span

LOSSES = ("loss", (("d_loss", "D", "data"), ("g_loss", "G", "made")))
OUTPUTS = ("mean output of D", (("d_real", "real, D(x)", "data"), ("d_fake", "generated, D(G(z))", "made")))

MOST_EVENTS = 40
"""Events that are listed; how many of each kind there were is said of all."""

_MOST_OTHERS = 8
_SHOWN = frozenset(("step", "seconds", *(name for _, of in (LOSSES, OUTPUTS) for name, _, _ in of)))
_ALIKE = 6.0  # times the range of another run's, up to which both are seen on one scale
_LARGEST = 1e100  # a number beyond it has no place on an axis


def curves(content: Content, steps: Scale, shared: Sequence[Scale | None] = (None, None)) -> list[Markup]:
    """The charts of a run's losses and of D's outputs. `shared`: the scale that each has in common with other runs'."""
    marks = [Mark(_step(event), str(place)) for place, event in enumerate(_listed(content), 1)]
    charts = zip((LOSSES, OUTPUTS), shared, strict=True)
    drawn = [_chart(title, content.metrics, keys, steps, marks, up) for (title, keys), up in charts]
    return [each for each in drawn if each is not None] or [tag("p", "Nothing was logged.", class_="none")]


def others(content: Content, steps: Scale) -> Markup | None:
    """Charts of the rest that was logged, to be unfolded; None where there is none."""
    ends = [content.metrics[0], content.metrics[-1]] if content.metrics else []
    names = dict.fromkeys(name for line in ends for name in line)
    drawn: list[Markup | None] = []
    for name in names:
        if name not in _SHOWN and len(drawn) < _MOST_OTHERS:
            drawn.append(_chart(words(name, 60), content.metrics, ((name, words(name, 60), "other"),), steps, []))
    found = [each for each in drawn if each is not None]
    return (
        tag("details", tag("summary", "What else was logged"), tag("div", *found, class_="charts")) if found else None
    )


def trouble(content: Content) -> Markup:
    """What has gone wrong, a line for each, with the number that marks it in the charts."""
    if not content.events:
        return tag("p", "No trouble was found.", class_="well")
    kinds = Counter(words(event.get("event"), 40) for event in content.events)
    counted = ", ".join(f"{kind} {count:,} times" if count > 1 else kind for kind, count in kinds.most_common(8))
    rows = [
        tag("li", tag("b", f"Step {_told_step(event)}, {words(event.get('event'), 40)}"), *_message(event))
        for event in _listed(content)
    ]
    hidden = len(content.events) - len(rows)
    more = tag("p", f"{hidden:,} more are in metrics.jsonl.", class_="none") if hidden else None
    return tag("div", tag("h3", f"Trouble: {counted}"), tag("ol", *rows), more, class_="trouble")


def scale_of_steps(contents: Sequence[Content]) -> Scale:
    """One axis of steps for several runs."""
    known = [_clean(series(content.metrics, "step")) for content in contents]
    _, last = span(known) or (0.0, 1.0)
    return Scale.of(0.0, max(last, 1.0))


def scales_in_common(contents: Sequence[Content]) -> list[Scale | None]:
    """One scale for the losses of several runs and one for D's outputs; None where each run needs its own to be seen."""
    return [_in_common([_finite(content.metrics, keys) for content in contents]) for _, keys in (LOSSES, OUTPUTS)]


def _in_common(values: Sequence[Floats]) -> Scale | None:
    known = [each for each in values if len(each)]
    ranges = [high - low for low, high in map(usual_range, known)]
    if len(known) < 2:
        return None
    together = _scale(np.concatenate(known))
    return together if together.logarithmic or max(ranges) < _ALIKE * min(ranges) else None


def _finite(metrics: Sequence[Mapping[str, Any]], keys: Sequence[tuple[str, str, str]]) -> Floats:
    every = np.concatenate([_clean(series(metrics, key)) for key, _, _ in keys])
    known: Floats = every[np.isfinite(every)]
    return known


def _scale(values: Floats) -> Scale:
    """The scale on which finite numbers are seen."""
    if spans_magnitudes(values):
        low, high = np.quantile(values, [0.001, 1.0])
        return Scale.of(float(low), float(high), logarithmic=True)
    return Scale.of(*usual_range(values))


def _chart(
    title: str,
    metrics: Sequence[Mapping[str, Any]],
    keys: Sequence[tuple[str, str, str]],
    across: Scale,
    marks: Sequence[Mark],
    up: Scale | None = None,
) -> Markup | None:
    steps = _clean(series(metrics, "step"))
    lines = []
    for key, name, colour in keys:
        values = _clean(series(metrics, key))
        if np.isfinite(values).any():
            lines.append(Line(name, colour, steps, values, smooth(values) if len(values) >= SMOOTHED_FROM else None))
    if not lines:
        return None
    every = _finite(metrics, keys)
    levels = []
    if keys == OUTPUTS[1] and every.min() >= 0 and every.max() <= 1:
        up, levels = Scale(0.0, 1.0), [Level(0.5, "½: D cannot tell")]
    up = up or _scale(every)
    return chart(f"{title}, logarithmic" if up.logarithmic else title, lines, across, up, marks, levels)


def _clean(values: Floats) -> Floats:
    return np.where(np.abs(values) < _LARGEST, values, math.nan)


def _listed(content: Content) -> Sequence[Mapping[str, Any]]:
    return content.events[:MOST_EVENTS]


def _step(event: Mapping[str, Any]) -> float:
    return float(series([event], "step")[0])


def _told_step(event: Mapping[str, Any]) -> str:
    step = _step(event)
    return f"{step:,.0f}" if math.isfinite(step) and abs(step) < 1e15 else "?"


def _message(event: Mapping[str, Any]) -> list[object]:
    """What an event says, and the numbers it was found by."""
    values = event.get("values")
    shown = []
    if isinstance(values, dict):
        pairs = [(name, value) for name, value in list(values.items())[:8] if isinstance(value, int | float)]
        shown = [f"{words(name, 40)} {_value(value)}" for name, value in pairs]
    message = event.get("message")
    return [f": {words(message)}" if message else "", tag("small", f" ({', '.join(shown)})") if shown else None]


def _value(value: float) -> str:
    try:
        return number(value) if math.isfinite(value) else str(value)
    except OverflowError:
        return "very large"
