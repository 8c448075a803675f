"""The report of ../steps.py as a picture: images per second of every contender, a panel for each workload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.keras_side import WAYS
from peers.table import NAMES, OURS, kind_of, number
from peers.torch_side import CONTENDERS
from peers.workloads import WORKLOADS
from zoo.plots.figure import DATA, GENERATED, TRAINED, new_figure, tidy, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT_OUT = ("zoo, references",)
COLUMNS = 3
HEADINGS = {
    "alternating": "D's update, then G's",
    "bfloat16": "in bfloat16",
    "simultaneous": "both updates from one pass",
}


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the chart as PNG. Raises ZooError where matplotlib is missing."""
    rows = report["rows"]
    places = placed(shown(rows))
    columns = min(COLUMNS, len(rows))
    deep = -(-len(rows) // columns)
    figure = new_figure(3.4 + 3.1 * columns, 1.1 + deep * (0.8 + 0.24 * len(places)))
    panels = figure.subplots(deep, columns, sharey=True, squeeze=False)
    for axes, row in zip(panels.flat, rows, strict=False):
        panel(axes, row, places)
    for axes in panels.flat[len(rows) :]:
        axes.set_visible(False)
    machine = report["machine"]
    threads = f"{machine['threads']} thread{'s' if machine['threads'] > 1 else ''}"
    figure.suptitle(
        "Images per second in training, both updates: longer is faster\n"
        f"{machine['hardware']}, {threads}, torch {machine['torch']}, {machine['date']}; "
        "in brackets: how many times as fast zoo is at the same",
        fontsize=10, x=0.01, ha="left",
    )  # fmt: skip
    write(figure, path)


def shown(rows: list[dict[str, Any]]) -> list[str]:
    """The contenders that were measured somewhere: those that alternate, then the others, zoo first in both."""
    found = [name for name in (*CONTENDERS, *WAYS) if any(name in row["seconds"] for row in rows)]
    order = list(OURS)
    return sorted(
        (name for name in found if name not in LEFT_OUT),
        key=lambda name: (order.index(kind_of(name)), name not in OURS.values()),
    )


def placed(names: list[str]) -> dict[str, int]:
    """Lines of a panel from above: the headings by the name of their kind, the contenders below them."""
    lines: list[str] = []
    for way in HEADINGS:
        of_this = [name for name in names if kind_of(name) == way]
        lines += [way, *of_this] if of_this else []
    return {name: index for index, name in enumerate(lines)}


def panel(axes: Axes, row: dict[str, Any], places: dict[str, int]) -> None:
    """One workload."""
    rates = {name: row["batch"] / seconds for name, seconds in row["seconds"].items() if name in places}
    widest = max(rates.values())
    for name, place in places.items():
        if name in HEADINGS:
            continue
        if name not in rates:
            axes.text(0.01 * widest, place, "not measured", va="center", fontsize=7, color="#999999")
            continue
        axes.barh(place, rates[name], height=0.72, color=colour(name))
        behind = number(rates[name]) + (f"  ({row['ratios'][name]:.2f}×)" if name in row["ratios"] else "")
        axes.text(rates[name] + 0.015 * widest, place, behind, va="center", fontsize=7.5)
    axes.set_title(WORKLOADS[row["workload"]].title, fontsize=9, loc="left", fontweight="bold")
    axes.set_yticks(list(places.values()), [HEADINGS.get(name) or NAMES.get(name, name) for name in places], fontsize=8)
    for name, text in zip(places, axes.get_yticklabels(), strict=False):  # only the leftmost panel has any
        text.set(fontweight="bold" if name in OURS.values() else "normal")
        if name in HEADINGS:
            text.set(fontstyle="italic", color="#777777")
    axes.set_ylim(max(places.values()) + 0.6, -0.6)
    axes.set_xlim(0, widest * 1.32)
    axes.tick_params(axis="x", labelsize=7)
    axes.tick_params(axis="y", length=0)
    tidy(axes)
    axes.grid(False, axis="y")


def colour(name: str) -> str:
    """zoo, the official loop, Keras on either backend; what is compiled lighter."""
    if name.startswith("zoo"):
        return TRAINED
    if name in WAYS:
        return GENERATED if name.startswith("tensorflow") else "#e8a27c"
    return "#9db4d3" if "compiled" in name else DATA
