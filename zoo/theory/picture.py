"""theory.png: the densities, the trained discriminator and the best one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zoo.plots.figure import BEST, DATA, GENERATED, TRAINED, new_figure, tidy, write
from zoo.theory.optimum import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CELLS = 400  # of a map, along an axis


def draw_theory(comparison: Comparison, title: str, path: Path) -> None:
    """Draw a comparison. Raises ZooError without matplotlib, RunError where the file cannot be written."""
    figure = _on_the_line(comparison) if len(comparison.lattice.axes) == 1 else _in_the_plane(comparison)
    figure.suptitle(title, fontsize=11, x=0.02, ha="left")
    write(figure, path)


def summary(comparison: Comparison) -> str:
    """The numbers that a picture says in its title."""
    found = comparison.agreement
    return (
        f"largest |D - D*| {found.max_error:.3f}; value {found.value:.4f}, best 2 JS - 2 log 2 = {found.best_value:.4f}"
    )


def _on_the_line(comparison: Comparison) -> Figure:
    figure = new_figure(8.0, 5.6)
    above, below = figure.subplots(2, 1, sharex=True)
    at = comparison.lattice.axes[0]
    for logarithm, name, colour in (
        (comparison.log_data, "p_data", DATA), (comparison.log_generated, "p_g", GENERATED),
    ):  # fmt: skip
        density = np.exp(logarithm)
        above.fill_between(at, density, color=colour, alpha=0.25, linewidth=0)
        above.plot(at, density, color=colour, linewidth=1.3, label=name)
    above.set_ylabel("density")
    above.set_ylim(bottom=0)
    inside = comparison.region
    below.plot(at, comparison.optimum, color=BEST, linewidth=4, alpha=0.45, label="D* = p_data / (p_data + p_g)")
    below.plot(at, comparison.trained, color=TRAINED, linewidth=1.2, label="D, trained")
    below.fill_between(
        at, 0, 1, where=~inside, color="#eeeeee", linewidth=0, zorder=0,
        label=f"beyond {comparison.agreement.share:.0%} of the mass",
    )  # fmt: skip
    below.set_ylabel("D(x)")
    below.set_ylim(-0.02, 1.02)
    below.set_xlabel("x")
    shown = np.flatnonzero(np.logaddexp(comparison.log_data, comparison.log_generated) > math.log(1e-3))
    below.set_xlim(at[shown[0]], at[shown[-1]])
    for axes in (above, below):
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=8, frameon=False, ncols=3)
        tidy(axes)
    return figure


def _ends(inside: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The limits of an axis that shows these places, with some room."""
    room = 0.08 * float(inside[-1] - inside[0])
    return float(inside[0]) - room, float(inside[-1]) + room


def _in_the_plane(comparison: Comparison) -> Figure:
    figure = new_figure(9.0, 7.4)
    (first, second), (third, fourth) = figure.subplots(2, 2)
    across, down = comparison.lattice.axes
    stride = max(1, -(-max(len(across), len(down)) // _MOST_CELLS))
    error = np.where(comparison.region, np.abs(comparison.trained - comparison.optimum), np.nan)
    densities = np.exp(comparison.log_data), np.exp(comparison.log_generated)
    ratio = densities[0] - densities[1]
    most = float(np.abs(ratio).max())
    maps = (
        (first, ratio, "p_data - p_g", "RdBu", -most, most),
        (second, comparison.trained, "D, trained", "viridis", 0.0, 1.0),
        (third, error, f"|D - D*| where {comparison.agreement.share:.0%} of the mass lies", "magma_r", 0.0, None),
        (fourth, comparison.optimum, "D* = p_data / (p_data + p_g)", "viridis", 0.0, 1.0),
    )
    for axes, values, title, colours, low, high in maps:
        image = axes.imshow(
            values[::stride, ::stride].T, origin="lower", extent=(across[0], across[-1], down[0], down[-1]),
            cmap=colours, vmin=low, vmax=high, interpolation="nearest",
        )  # fmt: skip
        axes.set_title(title, fontsize=9)
        axes.set_xlim(*_ends(across[comparison.region.any(1)]))
        axes.set_ylim(*_ends(down[comparison.region.any(0)]))
        figure.colorbar(image, ax=axes, shrink=0.85)
    return figure
