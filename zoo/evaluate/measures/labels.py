"""Which class a fake looks like: that of most of its nearest real images, and whether it is the one that was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.distances import blocks

NEIGHBOURS = 5


def classes_of(
    features: npt.NDArray[Any], real: npt.NDArray[Any], labels: npt.NDArray[np.int64], k: int = NEIGHBOURS
) -> npt.NDArray[np.int64]:
    """The class of most of the k nearest real features (m, d), which have `labels` (m,), of each of (n, d): int64 (n,); of several
    with as many that of the nearest."""
    k = min(k, len(real))
    count = int(labels.max()) + 1
    found = np.empty(len(features), np.int64)
    for part, distances in blocks(features, real):
        near = np.argpartition(distances, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(distances, near, 1).argsort(1, kind="stable")
        votes = labels[np.take_along_axis(near, order, 1)]
        tally = np.zeros((len(votes), count))
        for place in range(k):  # the earlier a vote, the more it weighs, by less than a vote
            np.add.at(tally, (np.arange(len(votes)), votes[:, place]), 1 + 0.1 / k * (k - place) / k)
        found[part] = tally.argmax(1)
    return found


def counts(classes: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """How many are of each of `count` classes: int64 (count,)."""
    return np.bincount(classes, minlength=count)
