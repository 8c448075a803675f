"""``zoo evaluate A B …``: what several evaluations found, side by side, as far as they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.cli.console import standard_output, table
from zoo.run.scores import Score, Scores, incomparable

if TYPE_CHECKING:
    from rich.table import Table

MOST = 12
"""Things side by side: more are no table."""

APART = "does not compare"


@dataclass(frozen=True)
class Judged:
    """What was judged, as it was typed, and what was found."""

    title: str
    scores: Scores
    content: dict[str, Any]
    """What --json prints of it."""


def compare(judged: Sequence[Judged]) -> dict[tuple[str, str], list[str]]:
    """By metric and title what keeps its numbers from being compared with those of the first that has the metric, in words."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric in metrics_of(judged):
        having = [each for each in judged if metric in each.scores.scores]
        made = having[0].scores.provenance_of(metric)
        for each in having[1:]:
            if differing := incomparable(made, each.scores.provenance_of(metric)):
                found[metric, each.title] = differing
    return found


def metrics_of(judged: Sequence[Judged]) -> list[str]:
    """The metrics that one or more have, in the order in which they are shown."""
    return list(dict.fromkeys(metric for each in judged for metric in each.scores.scores))


def show_side_by_side(judged: Sequence[Judged]) -> bool:
    """Print a table with a column for each; whether all of it compares. What does not is named below, with the reason."""
    console, apart = standard_output(), compare(judged)
    console.print(_table(judged, apart))
    console.print()
    reasons: dict[tuple[str, str], list[str]] = {}
    for (metric, title), differing in apart.items():
        reasons.setdefault((title, "; ".join(differing)), []).append(metric)
    for (title, differs), metrics in reasons.items():
        how = "judge it as the others (--samples, --extractor, --against)"
        line = f"{title} does not compare by {', '.join(metrics)}: they differ in {differs}; {how}"
        console.print(line, markup=False, soft_wrap=True)
    return not apart


def _table(judged: Sequence[Judged], apart: dict[tuple[str, str], list[str]]) -> Table:
    shown = table("metric", "number", *(each.title for each in judged), "real halves")
    for metric in metrics_of(judged):
        numbers = dict.fromkeys(name for each in judged for name in each.scores.scores.get(metric, {}))
        first = next(each for each in judged if metric in each.scores.scores)
        for place, name in enumerate(numbers):
            cells = [APART if (metric, each.title) in apart else _cell(each.scores.of(metric, name)) for each in judged]
            floor = first.scores.of(metric, name)
            shown.add_row(
                "" if place else metric,
                name,
                *cells,
                "" if floor is None or floor.floor is None else f"{floor.floor:.4g}",
            )
    return shown


def _cell(score: Score | None) -> str:
    """A number and its interval."""
    if score is None or score.value is None:
        return "–"
    reach = "" if score.low is None or score.high is None else f" ({score.low:.3g} to {score.high:.3g})"
    return f"{score.value:.4g}{reach}"
