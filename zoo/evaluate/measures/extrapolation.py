"""What the Fréchet distance tends to with ever more images: FID∞ (Chong & Forsyth 2020, https://arxiv.org/abs/1911.07023).

Of n images of either kind it is too large by about b/n, so that p parts of n/p each, which are too large by p times as much, tell
how much that is. They regress over fifteen sizes with random subsets; with the whole and disjoint parts of one size, which
together are all images, the error is no larger and the cost a third.

Both sets are cut to one size: then some 1 % of the bias is left, of parts of as few images as there are dimensions. Where one is
ten times the other 7 to 20 % of it would be. Of the larger set several pieces are taken instead, spread over all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.frechet import Moments, distance

PARTS = 5
"""Parts from which the distance is extrapolated, where there are images enough."""

PIECES = 3
"""Pieces of the larger set, at most."""

ENOUGH = 0.9
"""Images of a part for each dimension, at least: of fewer the bias is not b/n."""


class Extrapolated(NamedTuple):
    """What the distance tends to, and the standard error that the extrapolation adds to that of the distance."""

    value: float
    error: float


class Piece(NamedTuple):
    """The moments of as many images as the smaller set has, and of each of their parts."""

    whole: Moments
    parts: Sequence[Moments]


def parts_of(n: int, m: int, dimension: int) -> int:
    """Into how many parts n and m images of so many dimensions can be cut: at most `PARTS`. Below 2 there is nothing to
    extrapolate from."""
    return min(PARTS, int(min(n, m) / (ENOUGH * dimension)))


def fewest(dimension: int) -> int:
    """How many images of either kind it takes."""
    return int(np.ceil(2 * ENOUGH * dimension))


def pieces(features: npt.NDArray[Any], count: int, parts: int) -> list[Piece]:
    """Features (n, d) in random order as pieces of `count` at most, which together are all, or spread over all."""
    count = min(count, len(features))
    number = min(PIECES, -(-len(features) // count))
    starts = np.linspace(0, len(features) - count, number).astype(int)
    cut = [features[start : start + count] for start in starts]
    return [Piece(Moments.of(each), [Moments.of(each[k::parts]) for k in range(parts)]) for each in cut]


def unbiased(one: Sequence[Piece], other: Sequence[Piece]) -> Extrapolated:
    """What the distance of two sets tends to, of their pieces, of one of them a single one. It can be below 0, where the two are
    alike."""
    pairs = [(a, b) for a in one for b in other]
    whole = float(np.mean([distance(a.whole, b.whole) for a, b in pairs]))
    found = np.array([[distance(*each) for each in zip(a.parts, b.parts, strict=True)] for a, b in pairs]).mean(0)
    parts = len(found)
    more = float(found.mean()) - whole
    return Extrapolated(whole - more / (parts - 1), float(found.std(ddof=1)) / parts**0.5 / (parts - 1))
