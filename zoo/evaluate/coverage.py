"""How much of a mixture a generator has found.

The definitions are those of Srivastava et al. 2017 (VEEGAN, https://arxiv.org/abs/1705.07761), which Lin et al. 2018 (PacGAN)
use too: a sample is of high quality if it lies within three standard deviations of the nearest mode; a mode is found if it is
the nearest one of at least one sample of high quality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 500
"""Of the bootstrap."""

WITHIN = 3.0
"""Standard deviations from the nearest mode within which a sample is of high quality."""


class Modes(Protocol):
    """A mixture of Gaussians of one standard deviation, as far as it matters here; `zoo.data.formats.toy.Mixture` is one."""

    @property
    def modes(self) -> npt.NDArray[np.float64]:
        """Their means, (k, d)."""

    @property
    def deviation(self) -> float:
        """The standard deviation along every axis."""


@dataclass(frozen=True)
class Coverage:
    """`counts`: the samples of high quality at each mode, int64 (k,). `samples`: how many were judged."""

    counts: npt.NDArray[np.int64]
    samples: int

    @property
    def modes(self) -> int:
        """How many modes there are."""
        return len(self.counts)

    @property
    def found(self) -> int:
        """How many modes have a sample of high quality."""
        return int((self.counts > 0).sum())

    @property
    def high_quality(self) -> float:
        """The share of samples of high quality, 0 to 1."""
        return float(self.counts.sum()) / self.samples

    def covered(self, weights: Floats) -> float:
        """The share of the mixture that samples of high quality make up, 0 to 1, each mode at most its weight (k,): it falls with
        whatever is missed, comes too seldom or lies between the modes."""
        return float(np.minimum(self.counts / self.samples, weights).sum())

    def covered_with_error(self, weights: Floats, random: np.random.Generator) -> tuple[float, float, float]:
        """The same; by how much it is too small, as chance makes some modes too seldom; its standard error. Of a bootstrap."""
        shares = self.counts / self.samples
        drawn = random.multinomial(self.samples, [*shares, max(0.0, 1 - shares.sum())], DRAWS)[:, :-1]
        again = np.minimum(drawn / self.samples, weights).sum(1)
        value = self.covered(weights)
        return value, max(0.0, value - float(again.mean())), float(again.std())


def coverage(points: npt.NDArray[Any], mixture: Modes) -> Coverage:
    """The coverage of a mixture by points (n, d), n at least 1. In d dimensions a perfect generator's share of high quality is
    that of a Gaussian within three standard deviations: 99.7% on the line, 98.9% in the plane."""
    distances = np.stack([np.linalg.norm(points - mode, axis=1) for mode in mixture.modes])
    nearest = distances.argmin(0)
    good = distances.min(0) <= WITHIN * mixture.deviation
    counts = np.bincount(nearest[good], minlength=len(mixture.modes))
    return Coverage(counts.astype(np.int64), len(points))
