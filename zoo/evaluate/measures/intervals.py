"""Intervals of 95 %: how far a number moves with the images that it was computed of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.metric import Estimate

Z = 1.959963984540054
"""Standard deviations of a normal distribution within which 95 % of it lie."""

GROUPS = 20
"""Groups of images, each of which is left out in turn."""


def around(
    value: float, error: float, floor: float | None = None, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """A number with its standard error as an estimate; the interval ends at `least` and `most`, which no such number passes."""
    low, high = max(least, value - Z * error), min(most, value + Z * error)
    return Estimate(value, min(low, value), max(high, value), floor)


def jackknife_error(without: Sequence[float] | npt.NDArray[Any]) -> float:
    """The standard error of a number from what it is without each of g groups (Efron & Stein 1981, Ann. Statist. 9:586):
    √((g - 1)/g · Σ (θ₍₋ᵢ₎ - mean)²). On average it is not too small."""
    left = np.asarray(without, np.float64)
    count = len(left)
    return float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))


def groups_of(count: int, groups: int = GROUPS) -> npt.NDArray[np.int64]:
    """Which group each of `count` images is in, one after the other: int64 (count,). There are no more groups than images."""
    return np.arange(count) % min(groups, count)


def wilson(successes: float, count: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share (Wilson 1927, JASA 22:209), which is none of width 0 for a share of 0 or 1; of `z` deviations."""
    share, square = successes / count, z * z / count
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def together(count: int) -> float:
    """Of how many deviations as many intervals have to be, so that in 95 % all of them hold (Šidák 1967, JASA 62:626). The least
    of the numbers is then above the least of their lower ends and below the least of their upper ones, however near they are."""
    return NormalDist().inv_cdf((1 + 0.95 ** (1 / count)) / 2)


def share(successes: float, count: int, floor: float | None = None, error: float = 0.0) -> Estimate:
    """A share of `count` images, with Wilson's interval, or that of a larger standard error."""
    value = successes / count
    low, high = wilson(successes, count)
    wider = around(value, error, least=0.0, most=1.0)
    return Estimate(value, min(value, low, wider.low), max(value, high, wider.high), floor)
