"""Toy data whose density is known: mixtures of Gaussians on the line and in the plane.

The ring is that of Metz et al. 2017 (Unrolled GANs, https://arxiv.org/abs/1611.02163): eight modes, equally spaced on a
circle, a standard deviation of a hundredth of its radius. The grid is that of Srivastava et al. 2017 (VEEGAN,
https://arxiv.org/abs/1705.07761) as Lin et al. 2018 (PacGAN, https://arxiv.org/abs/1712.04086) give its numbers: 5×5 modes, two
apart, a standard deviation of 0.05. Here both are scaled to lie in [-1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from zoo.data.cache import digest
from zoo.data.images import Images
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError, unknown

Floats = npt.NDArray[np.float64]

COUNT = 50_000
"""Points of a toy source."""

_CHUNK = 10_000


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of isotropic Gaussians of one standard deviation.

    `modes`: their means, float64 (k, d). `deviation`: the standard deviation along every axis. `weights`: (k,), sum 1.
    """

    modes: Floats
    deviation: float
    weights: Floats

    @classmethod
    def of(cls, modes: Any, deviation: float, weights: Any = None) -> Mixture:
        """From anything like an array; equal weights by default. Raises DataError for numbers that make no mixture."""
        means = np.atleast_2d(np.asarray(modes, np.float64))
        shares = np.full(len(means), 1 / len(means)) if weights is None else np.asarray(weights, np.float64)
        if shares.shape != (len(means),) or not (shares >= 0).all() or not math.isclose(shares.sum(), 1):
            raise DataError(f"weights {shares.tolist()} do not fit {len(means)} modes; give one each, sum 1")
        if not (deviation > 0 and math.isfinite(deviation) and np.isfinite(means).all()):
            raise DataError(
                f"a standard deviation of {deviation} does not fit; give a number above 0, and finite modes"
            )
        return cls(means, float(deviation), shares)

    @property
    def dimensions(self) -> int:
        """1 on the line, 2 in the plane."""
        return int(self.modes.shape[1])

    def samples(self, n: int, random: np.random.Generator) -> Floats:
        """`n` points, float64 (n, d)."""
        which = random.choice(len(self.modes), n, p=self.weights)
        return self.modes[which] + self.deviation * random.standard_normal((n, self.dimensions))

    def log_density(self, points: Floats) -> Floats:
        """The logarithm of the density at points (…, d), of shape (…); exact far out too, where the density itself is 0."""
        total = np.full(points.shape[:-1], -np.inf)
        scale = self.dimensions * math.log(self.deviation * math.sqrt(2 * math.pi))
        for mode, weight in zip(self.modes, self.weights, strict=True):  # one at a time: a fine grid of points is large
            if weight:
                distance = np.square((points - mode) / self.deviation).sum(-1)
                total = np.logaddexp(total, math.log(weight) - distance / 2 - scale)
        return total

    def density(self, points: Floats) -> Floats:
        """The density at points (…, d), of shape (…)."""
        return np.exp(self.log_density(points))

    def with_deviation(self, deviation: float) -> Mixture:
        """The same modes, wider or narrower."""
        return replace(self, deviation=deviation)


def line() -> Mixture:
    """Three modes of unequal weights on the line."""
    return Mixture.of([[-0.55], [0.05], [0.6]], 0.08, [0.35, 0.4, 0.25])


def ring(modes: int = 8, radius: float = 0.8) -> Mixture:
    """Equal modes on a circle around 0; a standard deviation of a hundredth of its radius."""
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture.of(radius * np.stack([np.cos(angles), np.sin(angles)], 1), radius / 100)


def grid(side: int = 5, reach: float = 0.8) -> Mixture:
    """side × side equal modes, from -reach to reach on both axes; a standard deviation of a fortieth of their distance."""
    places = np.linspace(-reach, reach, side)
    rows, columns = np.meshgrid(places, places, indexing="ij")
    return Mixture.of(np.stack([columns.ravel(), rows.ravel()], 1), (places[1] - places[0]) / 40)


MIXTURES = {"line": line, "ring": ring, "grid": grid}
"""The mixtures by name."""


def mixture(name: str) -> Mixture:
    """The mixture of that name. Raises DataError for a name that there is not."""
    if name not in MIXTURES:
        raise DataError(unknown("toy source", name, MIXTURES, "zoo list"))
    return MIXTURES[name]()


class ToySource(DataSource):
    """Points of a mixture, always the same ones: float32 (n, 1, d, 1) in [-1, 1]."""

    points: ClassVar[bool] = True

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Only the bare name; there is nothing to point at."""
        return location == ""

    def __init__(self, location: str = "") -> None:
        if location:
            raise DataError(f"--data {self.name}:{location}: {self.name} has no parts; write --data {self.name}")
        self.mixture = mixture(self.name)
        self.title = f"the {self.name}"
        self.channels, self.height, self.width = 1, 1, self.mixture.dimensions

    def __len__(self) -> int:
        return COUNT

    def fingerprint(self) -> str:
        what = self.mixture
        numbers = [what.modes.round(9).tolist(), round(what.deviation, 9), what.weights.round(9).tolist()]
        return digest("toy-1", self.name, COUNT, repr(numbers))

    def chunks(self) -> Iterator[int]:
        """The first point of each work item."""
        return iter(range(0, COUNT, _CHUNK))

    def decode(self, item: int, spec: DataSpec) -> Iterator[Images]:
        drawn = self.mixture.samples(_CHUNK, np.random.default_rng([17, item]))
        inside = drawn.clip(-1, 1)  # the border is five standard deviations and more from every mode
        yield Images(inside.astype(np.float32).reshape(-1, 1, self.mixture.dimensions, 1))


class LineSource(ToySource):
    """50,000 points of `line`."""

    name = "line"
    summary = "Points on a line, a mixture of three Gaussians whose density is known (zoo theory)."


class RingSource(ToySource):
    """50,000 points of `ring`."""

    name = "ring"
    summary = "Points in the plane, a ring of eight narrow Gaussians that a GAN should find all of."


class GridSource(ToySource):
    """50,000 points of `grid`."""

    name = "grid"
    summary = "Points in the plane, a grid of 5×5 narrow Gaussians."
