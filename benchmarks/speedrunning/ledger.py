"""The rows of results/speedrun.csv: which there are, how they are read and added to, and what they say."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

FIELDS = (
    "data", "contender", "seed", "step", "seconds", "over_floor", "low", "high", "distance", "recall", "copies", "real_copies",
    "commit", "date", "machine", "threads", "torch", "zoo",
)  # fmt: skip
LEVELS = (10.0, 5.0, 3.0, 2.0, 1.5)
"""Times the distance of real halves."""

Row = Mapping[str, Any]
NUMBERS = {"seed": int, "step": int, "threads": int} | dict.fromkeys(
    ("seconds", "over_floor", "low", "high", "distance", "recall", "copies", "real_copies"), float
)


@dataclass(frozen=True)
class Curve:
    """One training: seconds and quality, in the order of time."""

    data: str
    contender: str
    seed: int
    points: Sequence[tuple[float, float]]

    def reached(self, level: float) -> float | None:
        """Seconds until the distance was at most `level` times that of real halves, between two snapshots on a straight line of
        its logarithm; None where it never was."""
        before: tuple[float, float] | None = None
        for seconds, value in self.points:
            if value <= level:
                if before is None or before[1] <= value:
                    return seconds
                share = math.log(before[1] / level) / math.log(before[1] / value)
                return before[0] + share * (seconds - before[0])
            before = (seconds, value)
        return None


@dataclass(frozen=True)
class Outcome:
    """Several trainings of one contender on one data set."""

    curves: Sequence[Curve]

    def seconds(self, level: float) -> tuple[float | None, float | None]:
        """Median and worst until the level was reached; None where half of them, or one, never did."""
        times = sorted(math.inf if (found := curve.reached(level)) is None else found for curve in self.curves)
        return finite(median(times)), finite(times[-1])

    @property
    def last(self) -> tuple[float, float]:
        """Median and worst of the last snapshots' quality."""
        ends = sorted(curve.points[-1][1] for curve in self.curves)
        return median(ends), ends[-1]


def finite(value: float) -> float | None:
    """The value, if it is a number."""
    return value if math.isfinite(value) else None


def read(path: Path) -> list[Row]:
    """All rows of the file, none where there is none."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: NUMBERS.get(name, str)(text) for name, text in row.items() if text} for row in csv.DictReader(file)
        ]


def add(path: Path, rows: Iterable[Row]) -> None:
    """Append rows; those of the same training that are there already go."""
    new = list(rows)
    replaced = {(row["data"], row["contender"], row["seed"]) for row in new}
    kept = [row for row in read(path) if (row["data"], row["contender"], row["seed"]) not in replaced]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        order = lambda row: (row["data"], row["contender"], row["seed"], row["seconds"])  # noqa: E731
        writer.writerows(sorted([*kept, *new], key=order))


def curves(rows: Iterable[Row]) -> list[Curve]:
    """The trainings that the rows tell of."""
    found: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault((row["data"], row["contender"], row["seed"]), []).append((row["seconds"], row["over_floor"]))
    return [Curve(*key, sorted(points)) for key, points in found.items()]


def outcomes(rows: Iterable[Row]) -> dict[tuple[str, str], Outcome]:
    """By data set and contender."""
    found: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves(rows):
        found.setdefault((curve.data, curve.contender), []).append(curve)
    return {key: Outcome(value) for key, value in found.items()}


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: seconds until each level, median and (worst), and what was reached at the end."""
    head = ["data", "contender", "seeds", *(f"{level:g}×" for level in LEVELS), "at the end"]
    lines = [" | ".join(head), "|".join(["---", "---", "--:", *("--:" for _ in LEVELS), "--:"])]
    for (data, contender), outcome in sorted(outcomes(rows).items(), key=lambda each: place(*each[0])):
        cells = [both(*outcome.seconds(level), digits=0) for level in LEVELS]
        lines.append(" | ".join([data, contender, str(len(outcome.curves)), *cells, both(*outcome.last, digits=2)]))
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def place(data: str, contender: str) -> tuple[Any, ...]:
    """Where a row of the table stands: digits first, zoo first."""
    return data != "digits", data, contender != "zoo", contender


def both(middle: float | None, worst: float | None, digits: int) -> str:
    """Median and worst as a cell; a dash where it was not reached."""
    words = ["–" if value is None else f"{value:.{digits}f}" for value in (middle, worst)]
    return words[0] if words[0] == "–" else f"{words[0]} ({words[1]})"
