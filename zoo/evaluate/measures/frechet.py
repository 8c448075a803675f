"""The Fréchet distance between two sets of features, each taken for a Gaussian.

Of means μ and covariances Σ (Dowson & Landau 1982; Heusel et al. 2017, https://arxiv.org/abs/1706.08500, of the features of
Inception-v3: the FID)

    d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

Of a finite sample it is too large, by about b/n: `unbiased` is what it tends to (Chong & Forsyth 2020,
https://arxiv.org/abs/1911.07023, FID∞), extrapolated from all of it and its parts.

The trace of the root is that of a symmetric matrix, by eigenvalues, those below zero being rounding errors: there is nothing
complex, and no failure where a covariance has not full rank, as that of fewer images than dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
"""float64."""

PARTS = 5
"""Parts from which the distance is extrapolated, where there are images enough."""


@dataclass(frozen=True)
class Moments:
    """The mean (d,) and covariance (d, d), over n - 1, of `count` features."""

    mean: Floats
    covariance: Floats
    count: int

    @classmethod
    def of(cls, features: npt.NDArray[Any]) -> Moments:
        """Those of features (n, d), n at least 2."""
        rows = np.asarray(features, np.float64)
        mean = rows.mean(0)
        centred = rows - mean
        return cls(mean, centred.T @ centred / (len(rows) - 1), len(rows))


def distance(one: Moments, other: Moments) -> float:
    """The squared Fréchet distance, the number that is called FID; never below 0."""
    factor = _factor(one.covariance)
    cross = np.linalg.eigvalsh(_symmetric(factor.T @ other.covariance @ factor))
    return _distance(one, other, cross)


def _distance(one: Moments, other: Moments, cross: Floats) -> float:
    """The same from the eigenvalues of Lᵀ Σ₂ L, which are those of Σ₁^½ Σ₂ Σ₁^½."""
    gap = one.mean - other.mean
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return max(0.0, float(gap @ gap + traces - 2 * np.sqrt(cross.clip(min=0)).sum()))


class Extrapolated(NamedTuple):
    """What the distance tends to, and the standard error that the extrapolation adds to that of the distance."""

    value: float
    error: float


def parts_of(n: int, m: int, dimension: int) -> int:
    """Into how many parts n and m images can be cut so that each has twice as many as dimensions, below which its bias is not b/n:
    at most `PARTS`. Below 2 there is nothing to extrapolate from."""
    return min(PARTS, min(n, m) // (2 * dimension))


def unbiased(one: npt.NDArray[Any], other: npt.NDArray[Any], whole: float, parts: int) -> Extrapolated:
    """What the distance tends to with ever more images, of features (n, d) and (m, d), from `whole`, that of all, and those of 2
    or more disjoint parts, whose bias is so many times as large. It can be below 0, where the two are alike."""
    found = np.array([distance(Moments.of(one[k::parts]), Moments.of(other[k::parts])) for k in range(parts)])
    more = float(found.mean()) - whole
    return Extrapolated(whole - more / (parts - 1), float(found.std(ddof=1)) / parts**0.5 / (parts - 1))


class Distance(NamedTuple):
    """The distance and its standard error."""

    value: float
    error: float


def distance_with_error(one: npt.NDArray[Any], other: npt.NDArray[Any], second: Moments | None = None) -> Distance:
    """The distance of features (n, d) and (m, d), and its standard error by the infinitesimal jackknife (Efron 1982). `second`:
    the moments of the others, where they are known.

    An image x of the first set moves it by 2 (μ₁ - μ₂)·(x - μ₁) + (x - μ₁)ᵀ (I - T) (x - μ₁), less its mean, over n, where
    T = L⁻ᵀ (Lᵀ Σ₂ L)^½ L⁻¹ carries the one Gaussian to the other, Σ₁ = L Lᵀ; likewise one of the second set. Where the two
    distributions are the same it is too large rather than too small, by √2.
    """
    first, second = Moments.of(one), Moments.of(other) if second is None else second
    factor, inverse = _invertible(first.covariance)
    cross, vectors = np.linalg.eigh(_symmetric(factor.T @ second.covariance @ factor))
    kept = cross > cross.max(initial=0) * len(cross) * np.finfo(np.float64).eps
    roots = np.sqrt(np.where(kept, cross, 0))
    inverses = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    forth, back = vectors.T @ inverse, vectors.T @ factor.T
    gap = first.mean - second.mean
    variance = 0.0
    for features, moments, carry, weights, way in (
        (one, first, forth, roots, gap), (other, second, back, inverses, -gap)
    ):  # fmt: skip
        centred = np.asarray(features, np.float64) - moments.mean
        carried = (centred @ carry.T) ** 2 @ weights
        moved = 2 * centred @ way + (centred * centred).sum(1) - carried
        variance += float(moved.var()) / len(moved)
    return Distance(_distance(first, second, cross), float(np.sqrt(variance)))


class _Factor(NamedTuple):
    """L (d, r) of a covariance Σ = L Lᵀ of rank r, and its left inverse (r, d)."""

    factor: Floats
    inverse: Floats


def _factor(matrix: Floats) -> Floats:
    """L: by Cholesky, of the features that are not always the same; where these depend on each other by eigenvalues, of which those
    below 0 are rounding errors."""
    alive = np.flatnonzero(matrix.diagonal() > 0)
    try:
        found = np.zeros((len(matrix), len(alive)))
        found[alive] = np.linalg.cholesky(matrix[np.ix_(alive, alive)])
        return found
    except np.linalg.LinAlgError:
        return _by_eigenvalues(matrix).factor


def _invertible(matrix: Floats) -> _Factor:
    """L with its inverse."""
    alive = np.flatnonzero(matrix.diagonal() > 0)
    try:
        lower = np.linalg.cholesky(matrix[np.ix_(alive, alive)])
        found = _Factor(np.zeros((len(matrix), len(alive))), np.zeros((len(alive), len(matrix))))
        found.factor[alive], found.inverse[:, alive] = lower, np.linalg.inv(lower)
        return found
    except np.linalg.LinAlgError:
        return _by_eigenvalues(matrix)


def _by_eigenvalues(matrix: Floats) -> _Factor:
    values, vectors = np.linalg.eigh(_symmetric(matrix))
    kept = values > values.max(initial=0) * len(values) * np.finfo(np.float64).eps
    roots, ways = np.sqrt(values[kept]), vectors[:, kept]
    return _Factor(ways * roots, (ways / roots).T)


def _symmetric(matrix: Floats) -> Floats:
    """Without the rounding that tells one triangle from the other."""
    found: Floats = (matrix + matrix.T) / 2
    return found
