"""Where a number lies on an axis, and which numbers are written along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, which are two numbers; `logarithmic`: both are above 0."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def of(cls, low: float, high: float, logarithmic: bool = False) -> Scale:
        """One that has some length, whatever the two are."""
        if logarithmic:
            return cls(low, high, True) if high > low else cls(low / 2, low * 2, True)
        if high > low:
            return cls(low, high)
        room = abs(low) / 10 or 1.0
        return cls(low - room, low + room)

    def share(self, values: Floats) -> Floats:
        """How far along the axis each lies, 0 to 1; beyond it a little less or more, NaN for what has no place on it."""
        low, high = self.low, self.high
        with np.errstate(all="ignore"):
            if self.logarithmic:
                values, low, high = np.log(np.where(values > 0, values, np.nan)), math.log(low), math.log(high)
            found: Floats = np.clip((values - low) / (high - low), -0.5, 1.5)
        return found

    def at(self, value: float) -> float:
        """The same of one number."""
        return float(self.share(np.array([value]))[0])

    def ticks(self, most: int) -> list[float]:
        """Round numbers along it, up to `most`."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            if last - first >= 1:
                stride = -(-(last - first + 1) // most)
                return [10.0**power for power in range(first, last + 1, stride)]
        return _round_numbers(self.low, self.high, most)


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    size = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / size - 1e-9)
    return [value for place in range(most + 1) if (value := (first + place) * size) <= high + size * 1e-9]


def span(values: Sequence[Floats]) -> tuple[float, float] | None:
    """The least and the largest number of several curves; None where there is none."""
    every = np.concatenate([each[np.isfinite(each)] for each in values]) if values else np.array([])
    return (float(every.min()), float(every.max())) if len(every) else None
