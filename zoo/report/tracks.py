"""What evaluations of a run found, sorted into what may stand on one line: a series for each way in which a number was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from zoo.metric import Metric
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry
from zoo.report.content import Content
from zoo.run.scores import DECISIVE, Score, Scores, incomparable

MOST_NUMBERS = 80
"""Numbers of a run that are shown."""

_MOST_SERIES = 8
"""Ways of measuring a metric of which something is shown, the newest first."""
_LARGEST = 1e100


@dataclass(frozen=True)
class Series:
    """One number of one run as evaluations that compare have found it: all while the run trained, or all by ``zoo evaluate``."""

    scores: Sequence[tuple[int, Score]]
    """By step, the newest last."""
    of: Scores
    """The evaluation of the newest."""

    @property
    def newest(self) -> Score:
        """The last one."""
        return self.scores[-1][1]

    @property
    def step(self) -> int:
        """That of the last one."""
        return self.scores[-1][0]


@dataclass(frozen=True)
class Track:
    """One number of one run."""

    metric: str
    name: str
    series: Sequence[Series]
    """That of the newest evaluation first."""
    is_current: bool
    """Whether the newest evaluation of the metric has the number."""

    @property
    def newest(self) -> Score:
        """The newest score."""
        return self.series[0].newest

    @property
    def of(self) -> Scores:
        """The evaluation that it is of."""
        return self.series[0].of


def tracks(content: Content) -> dict[tuple[str, str], Track]:
    """The numbers of a run by metric and name."""
    found: dict[tuple[str, str], Track] = {}
    metrics = dict.fromkeys(name for scores in content.scores for name in scores.scores)
    for metric in sorted(metrics, key=_order):
        ways = _ways(metric, content.scores)
        for name in dict.fromkeys(name for way in ways for name in way[-1].scores[metric]):
            series = [each for way in ways if (each := _series(metric, name, way))]
            if series and len(found) < MOST_NUMBERS:
                found[metric, name] = Track(metric, name, series, series[0].of is ways[0][-1])
    return found


def _ways(metric: str, every: Sequence[Scores]) -> list[list[Scores]]:
    """The evaluations with a metric, those together that compare, the last of each step, by step; with the newest one first."""
    ways: dict[tuple[str, ...], dict[int, tuple[int, Scores]]] = {}
    for place, scores in enumerate(every):
        if metric in scores.scores and 0 <= scores.step < 2**53:
            made = scores.provenance_of(metric)
            key = (str(scores.while_training), *(repr(made.get(name)) for name in DECISIVE))
            ways.setdefault(key, {})[scores.step] = place, scores
    newest = sorted(ways.values(), key=lambda way: (max(way), way[max(way)][0]), reverse=True)
    return [[way[step][1] for step in sorted(way)] for way in newest[:_MOST_SERIES]]


def _series(metric: str, name: str, way: Sequence[Scores]) -> Series | None:
    having = [(scores, score) for scores in way if (score := _known(scores.of(metric, name)))]
    return Series([(scores.step, score) for scores, score in having], having[-1][0]) if having else None


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
        best = [name for name in names if name in getattr(metric_of(metric), "best", {})]
        chosen += [(metric, name) for name in best or names[:1]]
    return chosen


def firsts_first(keys: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Numbers by metric and name, with the first of each metric before the second ones: what differs most comes first."""
    places = {key: [name for metric, name in keys if metric == key[0]].index(key[1]) for key in keys}
    return sorted(keys, key=lambda key: places[key])


Alike = list[tuple[int, Series]]
"""Series of a number that compare, each with the place of its run."""


def alike(key: tuple[str, str], every: Sequence[Mapping[tuple[str, str], Track]]) -> list[Alike]:
    """All series of a number in some runs, those together that compare; what most runs have is first."""
    groups: list[Alike] = []
    having = [(place, series) for place, found in enumerate(every) if key in found for series in found[key].series]
    for place, series in having:
        made = series.of.provenance_of(key[0])
        for group in groups:
            if not incomparable(group[0][1].of.provenance_of(key[0]), made):
                group.append((place, series))
                break
        else:
            groups.append([(place, series)])
    return sorted(groups, key=lambda group: -len({place for place, _ in group}))


def measured(series: Series, metric: str) -> str:
    """How, in words: while training, 256 samples."""
    samples = series.of.provenance_of(metric).get("samples")
    how = "while training" if series.of.while_training else "zoo evaluate"
    return f"{how}, {samples:,} samples" if isinstance(samples, int) else how


def named(metric: str, name: str) -> str:
    """A number in words: frechet, unbiased; kid."""
    return ", ".join(dict.fromkeys((metric, name)))


def metric_of(name: str) -> type[Metric] | None:
    """The metric of that name; None where it is not installed."""
    with suppress(Exception):  # a plugin that fails has no say in a report
        found: type[Metric] = registry().find(METRIC, name)
        return found
    return None


def _order(name: str) -> float:
    """Its place among metrics; last where it is not installed."""
    return getattr(metric_of(name), "order", math.inf)
