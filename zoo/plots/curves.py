"""The curves of a run: both losses, and what D thinks of real and of generated images, from metrics.jsonl."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import RunError
from zoo.plots.figure import DATA, GENERATED, can_draw, new_figure, tidy, write
from zoo.plots.scores import draw_scores, score_curves
from zoo.run.files import reading
from zoo.run.lines import kinds
from zoo.run.run import Run
from zoo.run.scores import Scores, read_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

FEWEST = 5
"""Logged lines below which there is no curve to speak of."""

SMOOTHED_FROM = 40
"""Points below which a curve is shown as it is."""

MOST = 20_000
"""Logged lines above which curves are drawn of some, evenly from first to last: a picture has fewer columns."""

_LOSSES = (("d_loss", "D", DATA), ("g_loss", "G", GENERATED))
_VERDICTS = (("d_real", "D(x), real", DATA), ("d_fake", "D(G(z)), generated", GENERATED))
_TROUBLE = "#b00020"
_NAMED = 3  # events of one step that are named
_LONGEST = 40  # letters of a name: a file may hold anything
_LOG_FROM = 30.0  # a loss whose largest value is that many times its smallest is shown on a logarithmic axis


def draw_curves(run: Run, path: Path | None = None) -> Path:
    """Draw the curves of a run to `path`, by default its curves.png; returns where they are.

    Raises RunError where too little is logged or the file cannot be written, ZooError without matplotlib.
    """
    metrics = run.metrics(MOST)
    if len(metrics) < FEWEST:
        total = _written(run) - len(run.events())
        read = "" if len(metrics) == total else f" that can be read, of {total}"
        raise RunError(f"{run.path} has {len(metrics)} lines in metrics.jsonl{read}; curves need at least {FEWEST}")
    return _draw_run(run, metrics, path or run.path / "curves.png")


def left_out(run: Run) -> str:
    """What curves do not show of the metrics of a run because it is damaged, in a sentence; empty where all is well.

    Raises RunError where there are none.
    """
    path = run.path / "metrics.jsonl"
    names = ["step", *(name for name, _, _ in (*_LOSSES, *_VERDICTS))]
    lines = values = 0
    with _counting(path):
        for line, number in kinds(path):
            if line is None:
                lines += number
            else:
                values += number * sum(line.get(name) is not None and math.isnan(_number(line[name])) for name in names)
    parts = [
        f"{count} {what}{'s' if count > 1 else ''}" for count, what in ((lines, "line"), (values, "value")) if count
    ]
    return (
        f"left out of metrics.jsonl, as they are no numbers or cannot be read: {' and '.join(parts)}" if parts else ""
    )


def _written(run: Run) -> int:
    """How many lines were logged, whatever is in them. Raises RunError where that cannot be told."""
    path = run.path / "metrics.jsonl"
    with _counting(path):
        return sum(number for _, number in kinds(path))


@contextmanager
def _counting(path: Path) -> Iterator[None]:
    """Around the counting of lines. Raises RunError where they cannot be read."""
    try:
        with reading(path):
            yield
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path} is missing; without it there are no curves; put it back, or train again") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None


def draw_curves_if_possible(run: Run) -> Path | None:
    """The same at the end of a run: None, and nothing said, where matplotlib is missing or there is too little to draw.

    Raises RunError where the file cannot be written, and whatever a matplotlib that is there and does not work raises.
    """
    if not can_draw():
        return None
    metrics = run.metrics(MOST)
    return _draw_run(run, metrics, run.path / "curves.png") if len(metrics) >= FEWEST else None


def _draw_run(run: Run, metrics: Sequence[Mapping[str, Any]], place: Path) -> Path:
    preset = run.config.get("preset")
    title = f"{run.path.resolve().name}: {run.architecture}" + (f" {preset}" if preset else "")
    write(curves_figure(metrics, f"{title}, {run.data_title}", run.events(), read_scores(run.path)), place)
    return place


def curves_figure(
    metrics: Sequence[Mapping[str, Any]],
    title: str,
    events: Sequence[Mapping[str, Any]] = (),
    scores: Sequence[Scores] = (),
) -> Figure:
    """The figure of logged metrics: the losses above, D's verdicts below, then scores if there are some, all over the steps; a line
    at each event."""
    curves = score_curves(scores)
    figure = new_figure(8.0, 5.6 + 2.4 * len(curves))
    above, below, *rest = figure.subplots(2 + len(curves), 1, sharex=True)
    for axes, curve in zip(rest, curves, strict=True):
        draw_scores(axes, curve)
    steps = series(metrics, "step")
    losses = _draw(above, steps, [(series(metrics, key), name, colour) for key, name, colour in _LOSSES])
    verdicts = _draw(below, steps, [(series(metrics, key), name, colour) for key, name, colour in _VERDICTS])
    figure.suptitle(title, fontsize=11, x=0.02, ha="left")
    if len(steps) >= SMOOTHED_FROM:
        above.plot([], [], color="#777777", linewidth=0.7, alpha=0.6, label="thin: as logged")
    above.set_ylabel("loss")
    below.set_ylabel("mean output of D")
    (rest[-1] if rest else below).set_xlabel("step")
    _scale(above, losses)
    if len(verdicts) and verdicts.min() >= 0 and verdicts.max() <= 1:
        below.set_ylim(0, 1)
        below.axhline(0.5, color="#999999", linewidth=0.9, linestyle="--", zorder=1, label="½: D cannot tell")
    else:
        _limit(below, verdicts)
    _mark(above, below, events)
    for axes in (above, below, *rest):
        if axes.get_legend_handles_labels()[1]:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=8, frameon=False, ncols=4
            )  # above the curves
        tidy(axes)
    return figure


def _mark(above: Axes, below: Axes, events: Sequence[Mapping[str, Any]]) -> None:
    """A line at the step of each event, with what it is beside it; where several are at one step, all are named."""
    at: dict[float, list[str]] = {}
    for event in events:
        step = _number(event.get("step"))
        name = "".join(letter if letter.isalnum() else " " for letter in str(event.get("event"))[:_LONGEST])
        if math.isfinite(step) and name not in at.setdefault(step, []):
            at[step].append(name)
    for step, names in at.items():
        for axes in (above, below):
            axes.axvline(step, color=_TROUBLE, linewidth=0.9, linestyle=":", zorder=1)
        words = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        place = above.get_xaxis_transform()
        above.text(step, 0.98, words, color=_TROUBLE, transform=place, rotation=90, va="top", ha="right", fontsize=7)


def series(metrics: Sequence[Mapping[str, Any]], name: str) -> Floats:
    """One number of every line; NaN where a line has it not, or as null."""
    return np.array([_number(line.get(name)) for line in metrics], np.float64)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def smooth(values: Floats) -> Floats:
    """The mean over a window of a fortieth of the curve, narrower at its ends; NaN counts nothing."""
    reach = len(values) // 80
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    at = np.arange(len(values))
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    total = counts[last] - counts[first]
    means: Floats = np.where(total > 0, (sums[last] - sums[first]) / np.maximum(total, 1), math.nan)
    return means


def _draw(axes: Axes, steps: Floats, curves: Sequence[tuple[Floats, str, str]]) -> Floats:
    """Draw curves, smoothed with the raw ones behind where they are long; returns all their finite values."""
    for values, name, colour in curves:
        if not np.isfinite(values).any():
            continue
        if len(values) >= SMOOTHED_FROM:
            axes.plot(steps, values, color=colour, linewidth=0.7, alpha=0.28)
            axes.plot(steps, smooth(values), color=colour, linewidth=1.7, label=name)
        else:
            axes.plot(steps, values, color=colour, linewidth=1.5, label=name)
    every: Floats = np.concatenate([values for values, _, _ in curves])
    known: Floats = every[np.isfinite(every)]
    return known


def spans_magnitudes(values: Floats) -> bool:
    """Whether finite numbers are to be drawn on a logarithmic axis: losses that fall by orders of magnitude."""
    return bool(len(values) and values.min() > 0 and np.quantile(values, 0.99) > _LOG_FROM * np.quantile(values, 0.01))


def usual_range(values: Floats) -> tuple[float, float]:
    """From where to where finite numbers go, with some room, but for single peaks of a long curve."""
    low, high = np.quantile(values, [0.002, 0.998] if len(values) >= SMOOTHED_FROM else [0.0, 1.0])
    room = 0.08 * (high - low) or 0.1
    return float(low - room), float(high + room)


def _scale(axes: Axes, values: Floats) -> None:
    """A logarithmic axis for losses that fall by orders of magnitude; else limits that a single peak does not set."""
    if spans_magnitudes(values):
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic)")
    else:
        _limit(axes, values)


def _limit(axes: Axes, values: Floats) -> None:
    if len(values) >= SMOOTHED_FROM:
        axes.set_ylim(*usual_range(values))
