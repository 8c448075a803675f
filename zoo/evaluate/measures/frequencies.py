"""How often classes come among generated images, against real ones: extremes and sums over classes, which chance makes worse than
they are, with intervals that hold what ever more images would give all the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.intervals import Z, together, wilson

Counts = npt.NDArray[np.int64]
"""Images of each class, (k,)."""

DRAWS = 500
"""Of the bootstrap."""


class Between(NamedTuple):
    """A number and its interval."""

    value: float
    low: float
    high: float


def imbalance(fakes: Counts, real: Counts, random: np.random.Generator) -> Between:
    """The total variation between the classes' shares, 0 to 1: the share of images that would have to be of other classes.

    By as much as the shares may be from what ever more images would give it may be from its own, of a bootstrap of either set: that
    is how far its interval goes down. It is too large rather than too small, and goes up by its standard error.
    """
    value = _apart(fakes / fakes.sum(), real / real.sum())
    shares = [random.multinomial(of.sum(), of / of.sum(), DRAWS) / of.sum() for of in (fakes, real)]
    off = [again - of / of.sum() for again, of in zip(shares, (fakes, real), strict=True)]
    down = float(np.quantile(_apart(*off), 0.975))
    error = float(np.std(_apart(*shares)))
    return Between(float(value), max(0.0, float(value) - down), min(1.0, float(value) + Z * error))


def _apart(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Any:
    return np.abs(one - other).sum(-1) / 2


def rarest(fakes: Counts, real: Counts) -> Between:
    """The least quotient of a class's share among fakes and its share in the data, of the classes that the data has. Its interval
    is that of the least of all quotients, of which each is in its own at once."""
    known = np.flatnonzero(real)
    z = together(len(known))
    each = [_quotient(fakes[label], fakes.sum(), real[label], real.sum(), z) for label in known]
    return Between(*(min(ends) for ends in zip(*each, strict=True)))


def _quotient(x: float, n: int, y: float, m: int, z: float) -> Between:
    """x/n over y/m, y at least 1, by the intervals of both (Donner & Zou 2012, Stat. Methods Med. Res. 21:347)."""
    p, q = x / n, y / m
    (low, high), (less, more) = wilson(x, n, z), wilson(y, m, z)
    down = (p * q) ** 2 - low * more * (2 * p - low) * (2 * q - more)
    up = (p * q) ** 2 - high * less * (2 * p - high) * (2 * q - less)
    least = (p * q - max(0.0, down) ** 0.5) / (more * (2 * q - more)) if 2 * q > more else 0.0
    return Between(p / q, max(0.0, least), (p * q + max(0.0, up) ** 0.5) / (less * (2 * q - less)))
