"""The Fréchet distance between two sets of features, each taken for a Gaussian.

Of means μ and covariances Σ (Dowson & Landau 1982; Heusel et al. 2017, https://arxiv.org/abs/1706.08500, of the features of
Inception-v3: the FID)

    d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

Of a finite sample it is too large, by about b/n: `zoo.evaluate.measures.extrapolation` says what it tends to.

The trace of the root is that of a symmetric matrix, by eigenvalues, those below zero being rounding errors: there is nothing
complex, and no failure where a covariance has not full rank. That of no more images than dimensions is Rᵀ R of the n centred
images: then Σ₁^½ Σ₂ Σ₁^½ has the eigenvalues of R Σ₂ Rᵀ, n × n, and no matrix (d, d) is taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
"""float64."""


@dataclass(frozen=True)
class Moments:
    """The mean (d,) and covariance (d, d), over n - 1, of `count` features."""

    mean: Floats
    known: Floats | None
    """The covariance; None where `rows` says it."""
    count: int
    rows: Floats | None = None
    """R (n, d), Σ = Rᵀ R, of no more images than dimensions."""

    @classmethod
    def of(cls, features: npt.NDArray[Any]) -> Moments:
        """Those of features (n, d), n at least 2."""
        rows = np.asarray(features, np.float64)
        count, dimension = rows.shape
        mean = rows.mean(0)
        centred = rows - mean
        if count <= dimension:
            return cls(mean, None, count, centred / np.sqrt(count - 1))
        return cls(mean, centred.T @ centred / (count - 1), count)

    @property
    def covariance(self) -> Floats:
        """Σ."""
        if self.known is not None:
            return self.known
        assert self.rows is not None
        found: Floats = self.rows.T @ self.rows
        return found

    @property
    def trace(self) -> float:
        """Of Σ."""
        return float(np.trace(self.covariance) if self.rows is None else (self.rows * self.rows).sum())

    @cached_property
    def factor(self) -> Floats:
        """L (d, r), Σ = L Lᵀ."""
        return self.rows.T if self.rows is not None else _factor(self.covariance)

    @cached_property
    def inverse(self) -> Floats:
        """The left inverse (r, d) of `factor`, where Σ is known as such."""
        return _inverse(self.covariance, self.factor)

    def seen_from(self, other: Moments) -> Floats:
        """Lᵀ Σ L, (r, r), of this Σ and the other's L: its eigenvalues are those of Σ₁^½ Σ₂ Σ₁^½."""
        half = None if self.rows is None else self.rows @ other.factor
        return _symmetric(other.factor.T @ self.covariance @ other.factor if half is None else half.T @ half)


def distance(one: Moments, other: Moments) -> float:
    """The squared Fréchet distance, the number that is called FID; never below 0."""
    first, second = _smaller_first(one, other)
    return _distance(first, second, np.linalg.eigvalsh(second.seen_from(first)))


def _smaller_first(one: Moments, other: Moments) -> tuple[Moments, Moments]:
    """The two, so that the matrix between them is the smaller."""
    sizes = [each.count if each.rows is not None else len(each.mean) for each in (one, other)]
    return (one, other) if sizes[0] <= sizes[1] else (other, one)


def _distance(one: Moments, other: Moments, cross: Floats) -> float:
    """The same from the eigenvalues of Lᵀ Σ₂ L."""
    gap = one.mean - other.mean
    return max(0.0, float(gap @ gap + one.trace + other.trace - 2 * np.sqrt(cross.clip(min=0)).sum()))


class Distance(NamedTuple):
    """The distance and its standard error."""

    value: float
    error: float


class Moved(NamedTuple):
    """The distance, and by how much more weight on each image of the first set, (n,), and of the second, (m,), moves it: their
    mean is that of nothing."""

    value: float
    one: Floats
    other: Floats


def distance_with_error(one: npt.NDArray[Any], other: npt.NDArray[Any], second: Moments | None = None) -> Distance:
    """The distance of features (n, d) and (m, d), and its standard error by the infinitesimal jackknife (Efron 1982). `second`:
    the moments of the others, where they are known. Where the two distributions are the same the error is too large rather than
    too small, by √2."""
    found = moved(one, other, second=second)
    return Distance(found.value, error_of(found.one, found.other))


def error_of(*influences: Floats) -> float:
    """The standard error of a number that each image of some sets moves so much."""
    return float(np.sqrt(sum(each.var() / len(each) for each in influences)))


def moved(
    one: npt.NDArray[Any], other: npt.NDArray[Any], first: Moments | None = None, second: Moments | None = None
) -> Moved:
    """The distance of features (n, d) and (m, d), and how each image moves it. `first`, `second`: their moments, where known.

    An image x of the first set moves it by 2 (μ₁ - μ₂)·(x - μ₁) + (x - μ₁)ᵀ (I - T) (x - μ₁), where T = L⁻ᵀ (Lᵀ Σ₂ L)^½ L⁻¹
    carries the one Gaussian to the other, Σ₁ = L Lᵀ; one of the second set likewise, by L (Lᵀ Σ₂ L)^-½ Lᵀ.
    """
    first = Moments.of(one) if first is None else first
    second = Moments.of(other) if second is None else second
    if _smaller_first(first, second)[0] is not first:
        value, theirs, ours = moved(other, one, second, first)
        return Moved(value, ours, theirs)
    cross, vectors = np.linalg.eigh(second.seen_from(first))
    kept = cross > cross.max(initial=0) * len(cross) * np.finfo(np.float64).eps
    roots = np.sqrt(np.where(kept, cross, 0))
    inverses = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    ours, theirs = (np.asarray(each, np.float64) - of.mean for each, of in ((one, first), (other, second)))
    # Images of which L is made are √(n - 1) times a unit vector to it.
    forth = vectors * np.sqrt(first.count - 1) if first.rows is not None else ours @ (first.inverse.T @ vectors)
    back = theirs @ (first.factor @ vectors)
    gap = first.mean - second.mean
    return Moved(
        _distance(first, second, cross),
        _centred(2 * ours @ gap + (ours * ours).sum(1) - (forth * forth) @ roots),
        _centred(-2 * theirs @ gap + (theirs * theirs).sum(1) - (back * back) @ inverses),
    )


def _centred(values: Floats) -> Floats:
    found: Floats = values - values.mean()
    return found


def _factor(matrix: Floats) -> Floats:
    """L: by Cholesky, of the features that are not always the same; where these depend on each other by eigenvalues, of which those
    below 0 are rounding errors."""
    alive = np.flatnonzero(matrix.diagonal() > 0)
    try:
        found = np.zeros((len(matrix), len(alive)))
        found[alive] = np.linalg.cholesky(matrix[np.ix_(alive, alive)])
        return found
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(_symmetric(matrix))
        kept = values > values.max(initial=0) * len(values) * np.finfo(np.float64).eps
        of_rank: Floats = vectors[:, kept] * np.sqrt(values[kept])
        return of_rank


def _inverse(matrix: Floats, factor: Floats) -> Floats:
    """The left inverse of L: of Cholesky's that of its triangle; else of orthogonal columns."""
    alive = np.flatnonzero(matrix.diagonal() > 0)
    lower = factor[alive]
    if lower.shape[0] == lower.shape[1] and not np.triu(lower, 1).any():
        found = np.zeros(factor.T.shape)
        found[:, alive] = np.linalg.inv(lower)
        return found
    of_rank: Floats = (factor / np.square(factor).sum(0)).T
    return of_rank


def _symmetric(matrix: Floats) -> Floats:
    """Without the rounding that tells one triangle from the other."""
    found: Floats = (matrix + matrix.T) / 2
    return found
