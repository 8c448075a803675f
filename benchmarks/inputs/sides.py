"""Contenders side by side: rounds A B C A B C, medians, and ratios within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from zoo.bench.measure import median, ratio


@dataclass
class Row:
    """One thing measured. `rounds`: seconds by contender, one number per round; the first contender is zoo's."""

    title: str
    rounds: dict[str, list[float]]
    notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> dict[str, float]:
        return {name: median(times) for name, times in self.rounds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as zoo each of the others takes."""
        ours, *others = self.rounds
        return {name: ratio(self.rounds, name, ours) for name in others}

    def as_json(self) -> dict[str, object]:
        return {"title": self.title, "seconds": self.seconds, "ratios": self.ratios, "notes": self.notes}

    def markdown(self) -> list[str]:
        """A line for each contender: title, contender, median (quartiles), times as long as zoo."""
        lines = []
        for name, times in self.rounds.items():
            low, _, high = statistics.quantiles(times, n=4) if len(times) > 1 else (times[0],) * 3
            shown = f"{duration(self.seconds[name])} ({duration(low)} to {duration(high)})"
            lines.append(f"| {self.title} | {name} | {shown} | {self.ratios.get(name, 1.0):.2f} |")
        return lines


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each contender says it took, round by round, after a first time that does not count (file cache, bytecode)."""
    for contender in contenders.values():
        contender()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            times[name].append(contender())
    return times
