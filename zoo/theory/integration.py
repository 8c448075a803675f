"""Integrals over the line and the plane by the trapezoidal rule, and what the theory of GANs says in terms of them.

Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661, section 4.1): for a fixed generator with density q and data with
density p, the value of the game V(D) = E_p log D + E_q log(1 - D) is greatest for D* = p / (p + q), where it is
2 JS(p, q) - 2 log 2. JS is the Jensen-Shannon divergence, from 0 (equal densities) to log 2 (densities that nowhere overlap).
Logarithms are natural.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from zoo.data.formats.toy import Mixture
from zoo.errors import OptionError

Floats = npt.NDArray[np.float64]

REACH = 6.0
"""Standard deviations around every mode that are integrated over; what lies beyond weighs 1e-9 at each end of an axis."""

_PER_DEVIATION = {1: 32, 2: 4}  # points of the lattice per standard deviation; the rule is exact to 1e-8 from 2 on
_MOST = {1: 1_000_000, 2: 1500}  # points per axis


class Lattice:
    """Evenly spaced points over a box on the line or in the plane.

    `axes`: one ascending array for each coordinate.
    """

    def __init__(self, axes: Sequence[Floats]) -> None:
        self.axes = list(axes)

    @classmethod
    def around(cls, *mixtures: Mixture) -> Lattice:
        """A lattice that holds all but a trace of the mass of some mixtures. Raises OptionError where they are so narrow that it
        would take too many points."""
        dimensions = mixtures[0].dimensions
        spacing = min(mixture.deviation for mixture in mixtures) / _PER_DEVIATION[dimensions]
        low = np.min([mixture.modes.min(0) - REACH * mixture.deviation for mixture in mixtures], 0)
        high = np.max([mixture.modes.max(0) + REACH * mixture.deviation for mixture in mixtures], 0)
        counts = np.ceil((high - low) / spacing).astype(int) + 1
        if counts.max() > _MOST[dimensions]:
            least = float((high - low).max()) / _MOST[dimensions] * _PER_DEVIATION[dimensions]
            raise OptionError(
                f"a standard deviation of {spacing * _PER_DEVIATION[dimensions]:g} is too narrow to integrate here; "
                f"give {math.ceil(least * 1000) / 1000:g} or more"
            )
        return cls([np.linspace(*ends) for ends in zip(low, high, counts, strict=True)])

    @cached_property
    def points(self) -> Floats:
        """All points, float64 (…, d); the leading shape is that of the axes."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1)

    @cached_property
    def weights(self) -> Floats:
        """What the value at each point counts in an integral: its cell, half of it at an end."""
        return reduce(np.multiply.outer, [_trapezoid(axis) for axis in self.axes])

    def integrate(self, values: Floats) -> float:
        """The integral of a function with these values at `points`."""
        return float((values * self.weights).sum())

    def carrying(self, density: Floats, share: float) -> npt.NDArray[np.bool_]:
        """Which points belong to the smallest region that carries `share` of the mass of a density: where that is highest."""
        mass = (density * self.weights).ravel()
        order = np.argsort(density, axis=None)[::-1]
        carried = np.cumsum(mass[order])
        chosen = np.zeros(mass.size, np.bool_)
        chosen[order[: int(np.searchsorted(carried, share * carried[-1])) + 1]] = True
        return chosen.reshape(density.shape)


def _trapezoid(axis: Floats) -> Floats:
    steps = np.diff(axis)
    return np.concatenate([steps, [0.0]]) / 2 + np.concatenate([[0.0], steps]) / 2


def jensen_shannon(lattice: Lattice, log_p: Floats, log_q: Floats) -> float:
    """JS(p, q) of two densities by their logarithms at the lattice's points: ½ KL(p, m) + ½ KL(q, m) with m = ½ (p + q)."""
    log_m = np.logaddexp(log_p, log_q) - math.log(2)
    return lattice.integrate((np.exp(log_p) * (log_p - log_m) + np.exp(log_q) * (log_q - log_m)) / 2)


def best_value(divergence: float) -> float:
    """The value of the game against the best discriminator: 2 JS - 2 log 2."""
    return 2 * divergence - 2 * math.log(2)


def game_value(lattice: Lattice, log_p: Floats, log_q: Floats, logits: Floats) -> float:
    """V(D) = ∫ p log D + q log(1 - D) for the discriminator with these logits at the lattice's points."""
    return lattice.integrate(np.exp(log_p) * log_sigmoid(logits) + np.exp(log_q) * log_sigmoid(-logits))


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(log_sigmoid(logits))


def log_sigmoid(logits: Floats) -> Floats:
    """log(1 / (1 + exp(-x))), without overflow."""
    return -np.logaddexp(0.0, -logits)
