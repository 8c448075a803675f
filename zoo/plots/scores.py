"""Scores over the steps of a run, each with its interval as a band and what real images give as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zoo.plots.figure import GENERATED
from zoo.run.scores import Scores, incomparable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 3
"""Metrics that are drawn, at most."""

_FLOOR = "#777777"
_BELOW = 5.0  # times the least value to which a logarithmic axis goes down
_LOG_FROM = 30.0  # as losses: what falls that far is shown on a logarithmic axis


@dataclass(frozen=True)
class ScoreCurve:
    """The first number of a metric over the steps: rows of step, value, low, high and floor; nan where one is not known."""

    metric: str
    number: str
    rows: npt.NDArray[np.float64]

    @property
    def name(self) -> str:
        """Both names, or one where they are the same."""
        return " ".join(dict.fromkeys((self.metric, self.number)))


def score_curves(scores: Sequence[Scores]) -> list[ScoreCurve]:
    """What of a run's scores makes a curve: two steps or more of those that compare with the training's own last one, by metric."""
    trained = [each for each in scores if each.while_training]
    if not trained:
        return []
    last, found = trained[-1], []
    for metric, numbers in last.scores.items():
        number = next(iter(numbers), None)
        if number is None:
            continue
        made = last.provenance_of(metric)
        rows = {}
        for each in trained:
            score = each.of(metric, number)
            if score is not None and not incomparable(each.provenance_of(metric), made):
                ends = (score.value, score.low, score.high, score.floor)
                rows[each.step] = [each.step, *(math.nan if end is None else end for end in ends)]
        if len(rows) > 1:
            found.append(ScoreCurve(metric, number, np.array([rows[step] for step in sorted(rows)], np.float64)))
    return found[:MOST]


def draw_scores(axes: Axes, curve: ScoreCurve) -> None:
    """Draw one."""
    step, value, low, high, floor = curve.rows.T
    axes.fill_between(step, low, high, color=GENERATED, alpha=0.25, linewidth=0, label="95 %")
    axes.plot(step, value, color=GENERATED, linewidth=1.5, marker="o", markersize=3, label=curve.name)
    if np.isfinite(floor).any():
        real = f"real images: {floor[np.isfinite(floor)][-1]:.2g}"
        axes.plot(step, floor, color=_FLOOR, linewidth=0.9, linestyle="--", label=real)
    known = value[np.isfinite(value)]
    if len(known) and known.min() > 0 and known.max() > _LOG_FROM * known.min():
        axes.set_yscale("log")
        # A floor or the end of an interval near 0 would leave the curve a sliver at the top.
        axes.set_ylim(known.min() / _BELOW, known.max() * 1.5)
    axes.set_ylabel(curve.metric)
