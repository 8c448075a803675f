"""Whether fakes are copies of training images: nearer to one than nearly all training images are to each other.

A fake counts as a copy where its distance to the nearest training image is at most the `QUANTILE` quantile of the distances of
training images to their nearest other one (after Meehan et al. 2020, https://arxiv.org/abs/2004.05675, who compare the whole of the
two distributions). Of images that are no copies, as real ones that are held out, about that share are found by chance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.distances import Nearest, nearest

QUANTILE = 0.01
"""Of the distances between training images below which a fake is a copy."""

REFERENCES = 1000
"""Training images whose nearest other one is looked for, at most."""


class Copied(NamedTuple):
    """Which fakes are copies, each one's nearest training image, the distance to it, all (n,), and that up to which it is one."""

    copies: npt.NDArray[np.bool_]
    place: npt.NDArray[np.int64]
    distance: npt.NDArray[np.float64]
    threshold: float


def copied(fakes: npt.NDArray[Any], training: npt.NDArray[Any], threshold: float | None = None) -> Copied:
    """The copies among fakes (n, d) of training images (m, d), m at least 2: of pixels or of features. `threshold`: the
    `usual_distance` of these, where it is known."""
    found = nearest(fakes, training)
    threshold = usual_distance(training) if threshold is None else threshold
    return Copied(found.distance <= threshold, found.place, found.distance, threshold)


def usual_distance(training: npt.NDArray[Any]) -> float:
    """The `QUANTILE` quantile of the distances of training images (m, d) to their nearest other one."""
    some = np.linspace(0, len(training) - 1, min(REFERENCES, len(training))).astype(np.int64)
    return float(np.quantile(nearest(training[some], training, some).distance, QUANTILE))


def closest(found: Copied | Nearest, pairs: int = 10) -> npt.NDArray[np.int64]:
    """Which fakes are nearest to a training image, nearest first: int64 (pairs,), each of another training image as far as there
    are such."""
    order = np.argsort(found.distance, kind="stable")
    _, first = np.unique(found.place[order], return_index=True)
    others = np.setdiff1d(np.arange(len(order)), first)
    chosen: npt.NDArray[np.int64] = order[np.concatenate([np.sort(first), others])][:pairs]
    return chosen
