"""The Fréchet distance between two sets of features, each taken for a Gaussian.

Of means μ and covariances Σ (Dowson & Landau 1982; Heusel et al. 2017, https://arxiv.org/abs/1706.08500, of the features of
Inception-v3: the FID)

    d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

Of a finite sample it is too large, by about b/n: `unbiased` is what it tends to (Chong & Forsyth 2020,
https://arxiv.org/abs/1911.07023, FID∞), extrapolated from all of it and its parts.

The root is taken of a symmetric matrix, by eigenvalues, those below zero being rounding errors: there is nothing complex, and no
failure where a covariance has not full rank, as that of fewer images than dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

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
    root = _root(one.covariance)
    cross = np.linalg.eigvalsh(root @ other.covariance @ root)
    overlap = np.sqrt(cross.clip(min=0)).sum()
    gap = one.mean - other.mean
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return max(0.0, float(gap @ gap + traces - 2 * overlap))


class Extrapolated(NamedTuple):
    """What the distance tends to, and the standard error that the extrapolation adds to that of the distance."""

    value: float
    error: float


def parts_of(n: int, m: int, dimension: int) -> int:
    """Into how many parts n and m images can be cut so that each has as many as dimensions, and its bias is b/n: at most `PARTS`.
    Below 2 there is nothing to extrapolate from."""
    return min(PARTS, min(n, m) // dimension)


def unbiased(one: npt.NDArray[Any], other: npt.NDArray[Any], whole: float, parts: int) -> Extrapolated:
    """What the distance tends to with ever more images, of features (n, d) and (m, d), from `whole`, that of all, and those of 2
    or more disjoint parts, whose bias is so many times as large. It can be below 0, where the two are alike."""
    found = np.array([distance(Moments.of(one[k::parts]), Moments.of(other[k::parts])) for k in range(parts)])
    more = float(found.mean()) - whole
    return Extrapolated(whole - more / (parts - 1), float(found.std(ddof=1)) / parts**0.5 / (parts - 1))


def standard_error(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The standard error of the distance of features (n, d) and (m, d), by the infinitesimal jackknife (Efron 1982).

    An image x of the first set moves it by 2 (μ₁ - μ₂)·(x - μ₁) + (x - μ₁)ᵀ (I - T) (x - μ₁), less its mean, over n, where
    T = Σ₁^-½ (Σ₁^½ Σ₂ Σ₁^½)^½ Σ₁^-½ carries the one Gaussian to the other; likewise one of the second set. Where the two
    distributions are the same it is too large rather than too small, by √2.
    """
    first, second = Moments.of(one), Moments.of(other)
    root, inverse = _roots(first.covariance)
    middle = _root(root @ second.covariance @ root)
    forth = inverse @ middle @ inverse
    back = root @ np.linalg.pinv(middle, hermitian=True) @ root
    gap = first.mean - second.mean
    variance = 0.0
    for features, moments, carry, way in ((one, first, forth, gap), (other, second, back, -gap)):
        centred = np.asarray(features, np.float64) - moments.mean
        moved = 2 * centred @ way + (centred * (centred - centred @ carry)).sum(1)
        variance += float(moved.var()) / len(moved)
    return float(np.sqrt(variance))


def _root(matrix: Floats) -> Floats:
    """The root of a symmetric matrix that has no eigenvalue below 0 but for rounding."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    root: Floats = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def _roots(matrix: Floats) -> tuple[Floats, Floats]:
    """The root and its pseudo-inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > values.max(initial=0) * len(values) * np.finfo(np.float64).eps
    roots = np.sqrt(np.where(kept, values, 0))
    inverses = np.divide(1, roots, out=np.zeros_like(roots), where=kept & (roots > 0))
    return (vectors * roots) @ vectors.T, (vectors * inverses) @ vectors.T
