"""The kernel distance KID: the maximum mean discrepancy of two sets of features under a polynomial kernel.

Bińkowski et al. 2018 (https://arxiv.org/abs/1801.01401): with k(x, y) = (x·y/d + 1)³ the unbiased estimate is

    Σ_{i≠j} k(xᵢ, xⱼ) / n(n-1) + Σ_{i≠j} k(yᵢ, yⱼ) / m(m-1) - 2 Σ_{ij} k(xᵢ, yⱼ) / nm,

of all pairs here, not of random subsets. It has no bias, and so may be below 0 where the two sets are alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.intervals import jackknife_error

_VALUES = 1 << 20
"""Values of the kernel's matrix at a time: 8 MiB."""


class Kernel(NamedTuple):
    """The distance and its standard error."""

    value: float
    error: float


def kernel_distance(
    one: npt.NDArray[Any], other: npt.NDArray[Any], theirs: npt.NDArray[np.float64] | None = None
) -> Kernel:
    """KID of features (n, d) and (m, d), n and m at least 3, with the error of the jackknife over single images, which needs no
    more than the sums of the kernel's rows. `theirs`: `sums_within` of the others, where that is known."""
    n, m = len(one), len(other)
    ours, theirs = sums_within(one), sums_within(other) if theirs is None else theirs
    across, down = _sums_across(one, other)
    total, cross = (ours.sum(), theirs.sum()), across.sum()

    def value(n: int, m: int, xx: Any, yy: Any, xy: Any) -> Any:
        return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)

    without_x = value(n - 1, m, total[0] - 2 * ours, total[1], cross - across)
    without_y = value(n, m - 1, total[0], total[1] - 2 * theirs, cross - down)
    error = np.hypot(jackknife_error(without_x), jackknife_error(without_y))
    return Kernel(float(value(n, m, *total, cross)), float(error))


def _kernel(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    products: npt.NDArray[np.float64] = one @ other.T
    products /= one.shape[1]
    products += 1
    squares = products * products
    products *= squares
    return products


def _diagonal(features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    squares = (np.asarray(features, np.float64) ** 2).sum(1)
    diagonal: npt.NDArray[np.float64] = (squares / features.shape[1] + 1) ** 3
    return diagonal


def sums_within(features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The sums of the rows of a set's own kernel without its diagonal, (n,): each pair is looked at once."""
    rows = np.asarray(features, np.float64)
    sums = -_diagonal(rows)
    step = max(1, _VALUES // len(rows))
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        block = _kernel(rows[start:stop], rows[start:])
        sums[start:stop] += block.sum(1)
        sums[stop:] += block[:, stop - start :].sum(0)
    return sums


def _sums_across(
    one: npt.NDArray[Any], other: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The sums of the kernel's rows (n,) and columns (m,)."""
    rows, columns = [], np.zeros(len(other))
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    step = max(1, _VALUES // len(other))
    for start in range(0, len(one), step):
        block = _kernel(one[start : start + step], other)
        rows.append(block.sum(1))
        columns += block.sum(0)
    return np.concatenate(rows), columns
