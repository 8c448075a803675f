"""The ledger as a picture: quality over seconds, a panel for each data set, a line for each training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from speedrunning.contenders import CONTENDERS
from speedrunning.data import DATA
from speedrunning.ledger import Curve, Row, curves, outcomes
from zoo.plots.figure import new_figure, tidy, write

TICKS = (1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200)
SECONDS = (10, 20, 30, 60, 120, 240, 480, 960)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write it as PNG."""
    names = [name for name in DATA if any(row["data"] == name for row in rows)]
    figure = new_figure(4.2 * len(names) + 0.4, 4.0)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for name, axes in zip(names, panels, strict=True):
        for curve in curves(row for row in rows if row["data"] == name):
            x, y = zip(*curve.points, strict=True)
            axes.plot(x, y, color=CONTENDERS[curve.contender].colour, alpha=0.3, linewidth=0.9)
        for (data, contender), outcome in outcomes(rows).items():
            if data == name:
                marks = sorted({round(point[0], 1) for curve in outcome.curves for point in curve.points})
                ends = min(curve.points[-1][0] for curve in outcome.curves)
                found = [(mark, middle(outcome.curves, mark)) for mark in marks if mark <= ends + 0.1]
                shown = [(mark, value) for mark, value in found if value is not None]
                if shown:
                    count = len(outcome.curves)
                    label = f"{contender}, {count} seed{'s' if count > 1 else ''}"
                    axes.plot(*zip(*shown, strict=True), color=CONTENDERS[contender].colour, linewidth=2.2, label=label)
        axes.axhline(1, color="#888888", linewidth=1, linestyle="--")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(SECONDS, [str(tick) for tick in SECONDS])
        axes.set_yticks(TICKS)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        times = [row["seconds"] for row in rows if row["data"] == name]
        axes.set_xlim(min(times) * 0.95, max(times) * 1.05)
        axes.set_title(DATA[name].title, fontsize=10, loc="left", fontweight="bold")
        axes.set_xlabel("seconds")
        axes.legend(fontsize=8, frameon=False)
        tidy(axes)
    panels[0].set_ylabel("Fréchet distance over that of real halves")
    write(figure, path)


def middle(trainings: Sequence[Curve], mark: float) -> float | None:
    """The median of the curves at a moment, each on the straight line between its snapshots; None before all have one."""
    if any(curve.points[0][0] > mark + 0.05 for curve in trainings):
        return None
    return float(np.median([np.interp(mark, *zip(*curve.points, strict=True)) for curve in trainings]))
