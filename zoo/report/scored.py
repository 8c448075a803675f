"""The section on scores: what evaluations found, each number with its interval and its floor, over the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.report.chart import Level, Line, chart
from zoo.report.content import Content
from zoo.report.markup import Markup, facts, join, number, table, tag, words
from zoo.report.scale import Floats, Scale, span
from zoo.report.tracks import Alike, Series, Track, alike, firsts_first, measured, metric_of, ranked, tracks
from zoo.run.scores import Score, incomparable, remarks

_MOST_POINTS = 400
_MOST_CHARTS, _SHOWN = 24, 6
"""Charts in all, and those that need not be unfolded."""
_COUNTS = ("samples", "real")
"""What of a provenance may be other where a score is marked beside a curve: how many were measured, not what or how."""


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
        groups = alike(key, every)
        curves = [group for group in groups if max(len(series.scores) for _, series in group) > 1]
        for group in curves:
            apart = [each for other in groups if other not in curves for each in other if _marked(key[0], each, group)]
            figures.append(_chart(key, group, apart, contents, across))
    if not figures:
        return None
    figures = figures[:_MOST_CHARTS]
    rest = figures[_SHOWN:]
    more = tag("details", tag("summary", f"{len(rest)} more over the steps"), tag("div", *rest, class_="charts"))
    return tag("div", tag("div", *figures[:_SHOWN], class_="charts"), more if rest else None)


def _marked(metric: str, each: tuple[int, Series], group: Alike) -> bool:
    """Whether a score of ``zoo evaluate`` stands beside a run's curve as a mark of its own: it is of other counts alone."""
    place, series = each
    of = [other.of.provenance_of(metric) for run, other in group if run == place]
    made = {**series.of.provenance_of(metric), **{name: of[0].get(name) for name in _COUNTS}} if of else {}
    return bool(of) and not series.of.while_training and not incomparable(of[0], made)


def _chart(key: tuple[str, str], drawn: Alike, apart: Alike, contents: Sequence[Content], across: Scale) -> Markup:
    """A chart of what compares, and what was measured of other counts beside it."""
    lines = []
    several = len({place for place, _ in drawn}) > 1 or len(contents) > 1
    for place, series in [*drawn, *apart]:
        scores = series.scores[:: -(-len(series.scores) // _MOST_POINTS)]
        steps = np.array([float(step) for step, _ in scores])
        value, low, high = (
            _numbers([getattr(score, name) for _, score in scores]) for name in ("value", "low", "high")
        )
        trains = any(run == place and other.of.while_training for run, other in drawn)
        how = measured(series, key[0]) + ("" if (place, series) in drawn else ": does not compare")
        names = [contents[place].name] if several else [] if len(drawn) + len(apart) > 1 else ["95 % interval shaded"]
        names += [how] if (trains and not series.of.while_training) or not names else []
        low, high = np.where(np.isnan(low), value, low), np.where(np.isnan(high), value, high)
        mark = trains and not series.of.while_training
        lines.append(
            Line(
                words(", ".join(names), 100), f"run{place % 6}", steps, value, None, low, high,
                dots=len(scores) <= 60, mark=mark,
            )
        )  # fmt: skip
    floor = next((series.newest.floor for _, series in drawn if series.newest.floor is not None), None)
    levels = [] if floor is None else [Level(floor, "floor: real against real")]
    bounds = [each for line in lines for each in (line.low, line.high) if each is not None]
    low_, high_ = span([*bounds, np.array([floor], np.float64)] if floor is not None else bounds) or (0.0, 1.0)
    room = 0.06 * (high_ - low_)
    up = Scale.of(min(0.0, low_) if 0 <= low_ < 0.5 * high_ else low_ - room, high_ + room)
    return chart(words(": ".join(dict.fromkeys(key)), 120), lines, across, up, (), levels)


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
        of = [track for (name, _), track in found.items() if name == metric and track.is_current]
        if not of:
            continue
        known = metric_of(metric)
        meaning, best = getattr(known, "numbers", {}), getattr(known, "best", {})
        rows = [
            (
                tag("span", words(each.name, 60), _meaning(meaning.get(each.name), best.get(each.name))),
                number(each.newest.value or 0.0),
                _interval_words(each.newest),
                "" if each.newest.floor is None else number(each.newest.floor),
                _interval(each.newest),
            )
            for each in of
        ]
        step = of[0].series[0].step
        caption = f"{words(metric, 60)}, step {step:,}"
        folded = len(rows) > 6
        body = table(("number", "value", "95 % interval", "floor", ""), rows, caption, "scores")
        tables.append(tag("details", tag("summary", f"{caption}: {len(rows)} numbers"), body) if folded else body)
    notes = dict.fromkeys(line for track in found.values() if track.is_current for line in remarks(track.of))
    said = [tag("p", tag("b", words(line, 400))) for line in notes]
    return join([*said, *tables, _basis(list(found.values()))])


def _meaning(text: object, best: object) -> Markup | None:
    """What a number is, and which of two is the better one."""
    parts = [
        words(text) if isinstance(text, str) else "",
        f"the {best} is best" if best and "best" not in str(text) else "",
    ]
    said = "; ".join(part for part in parts if part)
    return tag("small", said) if said else None


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
    newest = max((track.series[0] for track in found), key=lambda series: series.step).of
    rows = [(words(name, 60).replace("_", " "), words(value)) for name, value in list(newest.provenance.items())[:40]]
    for metric, of in list(newest.apart.items())[:20]:
        differing = ", ".join(f"{words(name, 60).replace('_', ' ')} {words(value, 80)}" for name, value in of.items())
        rows.append((f"of {words(metric, 60)} alone", words(differing)))
    apart = dict.fromkeys(
        each
        for track in found
        for other in track.series[1:]
        for each in incomparable(track.of.provenance_of(track.metric), other.of.provenance_of(track.metric))
    )
    note = f"Earlier scores that do not compare with the newest differ in {words(', '.join(apart))}." if apart else ""
    inner = [facts(rows), tag("p", note, class_="none") if note else None]
    return tag("details", tag("summary", "What these numbers rest on"), *inner)
