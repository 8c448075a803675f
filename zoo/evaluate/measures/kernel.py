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

_BLOCK = 1024
"""Rows of the kernel's matrix at a time."""


class Kernel(NamedTuple):
    """The distance and its standard error."""

    value: float
    error: float


def kernel_distance(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Kernel:
    """KID of features (n, d) and (m, d), n and m at least 3, with the error of the jackknife over single images, which needs no
    more than the sums of the kernel's rows."""
    n, m = len(one), len(other)
    ours, theirs = _row_sums(one, one), _row_sums(other, other)
    ours -= _diagonal(one)
    theirs -= _diagonal(other)
    across, down = _sums_across(one, other)
    total, cross = (ours.sum(), theirs.sum()), across.sum()

    def value(n: int, m: int, xx: Any, yy: Any, xy: Any) -> Any:
        return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)

    without_x = value(n - 1, m, total[0] - 2 * ours, total[1], cross - across)
    without_y = value(n, m - 1, total[0], total[1] - 2 * theirs, cross - down)
    error = np.hypot(jackknife_error(without_x), jackknife_error(without_y))
    return Kernel(float(value(n, m, *total, cross)), float(error))


def _kernel(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    products = np.asarray(one, np.float64) @ np.asarray(other, np.float64).T
    products /= one.shape[1]
    products += 1
    cubed: npt.NDArray[np.float64] = products * products * products
    return cubed


def _diagonal(features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    squares = (np.asarray(features, np.float64) ** 2).sum(1)
    diagonal: npt.NDArray[np.float64] = (squares / features.shape[1] + 1) ** 3
    return diagonal


def _row_sums(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return _sums_across(one, other)[0]


def _sums_across(
    one: npt.NDArray[Any], other: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The sums of the kernel's rows (n,) and columns (m,)."""
    rows, columns = [], np.zeros(len(other))
    for start in range(0, len(one), _BLOCK):
        block = _kernel(one[start : start + _BLOCK], other)
        rows.append(block.sum(1))
        columns += block.sum(0)
    return np.concatenate(rows), columns
