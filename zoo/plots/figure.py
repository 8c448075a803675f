"""Figures: whether they can be drawn here, how they look, how they are written."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError, in_one_line
from zoo.run.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA, GENERATED, TRAINED, BEST = "#4269a5", "#d65a14", "#1a1a1a", "#2f9e6e"
"""Colours: of real data and D, of what is generated and G, of what was trained, of what the theory says."""

ADVICE = "pip install matplotlib"


def can_draw() -> bool:
    """Whether matplotlib is installed; it is not imported to find out."""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches. Raises ZooError where matplotlib is missing or does not load."""
    try:
        from matplotlib.figure import Figure
    except Exception as error:  # one that is built for another NumPy raises what it likes
        missing = not can_draw()
        reason = "matplotlib is not installed" if missing else f"matplotlib does not load ({in_one_line(error)})"
        raise ZooError(f"{reason}; what it draws is optional: {ADVICE}") from error
    return Figure(figsize=(width, height), dpi=110, layout="constrained")  # of no window and no global state


def tidy(axes: Axes) -> None:
    """Take away what carries no information, add a light grid."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def write(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all. Raises RunError where that fails."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
