"""Whether fakes are copies of training images: nearer to one than nearly all training images are to each other.

A fake counts as a copy where its distance to the nearest training image is at most the `QUANTILE` quantile of the distances of
training images to their nearest other one (after Meehan et al. 2020, https://arxiv.org/abs/2004.05675, who compare the whole of the
two distributions). Of images that are no copies, as real ones that are held out, about that share are found by chance.

A picture that is in the data twice has no other one in itself: nearer than `ALIKE` of the distance of any two images is the same
picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.distances import nearest
from zoo.evaluate.measures.intervals import share
from zoo.metric import Estimate, Nearest

QUANTILE = 0.01
"""Of the distances between training images up to which a fake is a copy."""

REFERENCES = 5000
"""Training images whose nearest other one is looked for, at most, among all."""

ALIKE = 0.01
"""Share of the distance of two images, whichever they are, up to which these are the same picture."""

RESAMPLES = 200

Search = Callable[[float], Nearest]
"""Gives the nearest training image of each reference, itself left out, of those beyond a distance."""


@dataclass(frozen=True)
class Usual:
    """How near training images are to each other: for those that were looked at the distance to the nearest other one, ascending,
    and the number of the pair that the two are, which two have in common that are each other's nearest: float64 and int64 (r,)."""

    distance: npt.NDArray[np.float64]
    pair: npt.NDArray[np.int64]

    @property
    def threshold(self) -> float:
        """Up to which distance a fake is a copy; 0 where all are the same picture."""
        return float(np.quantile(self.distance, QUANTILE)) if len(self.distance) else 0.0

    @cached_property
    def resampled(self) -> npt.NDArray[np.float64]:
        """What the threshold might as well have been: that of pairs which are drawn anew, float64 (`RESAMPLES`,)."""
        random = np.random.default_rng(0)
        found = np.full(RESAMPLES, self.threshold)
        for place in range(RESAMPLES if len(self.distance) else 0):
            often = random.poisson(1.0, int(self.pair.max()) + 1)[self.pair].cumsum()
            if often[-1]:
                found[place] = self.distance[np.searchsorted(often, QUANTILE * often[-1])]
        return found


def usual_distances(references: npt.NDArray[Any], places: npt.NDArray[np.int64], search: Search) -> Usual:
    """How near some training images (r, d) are to the nearest other one of all; `places`: which of all they are."""
    random = np.random.default_rng(0)
    others = references[random.permutation(len(references))]
    apart = np.linalg.norm(np.asarray(references, np.float64) - others, axis=1)
    found = search(ALIKE * float(np.median(apart)))
    left = np.isfinite(found.distance) & (found.distance > 0)
    order = np.argsort(found.distance[left], kind="stable")
    two = np.sort(np.stack([places, found.place], 1)[left][order], axis=1)
    _, pair = np.unique(two, axis=0, return_inverse=True)
    return Usual(found.distance[left][order], pair.reshape(-1).astype(np.int64))


def usual_within(training: npt.NDArray[Any], seed: int = 0) -> Usual:
    """The same of training images (m, d) that are all in memory."""
    some = np.sort(np.random.default_rng(seed).permutation(len(training))[:REFERENCES])
    return usual_distances(training[some], some, lambda beyond: nearest(training[some], training, some, beyond))


def copies(distance: npt.NDArray[np.float64], usual: Usual, floor: float | None = None, seen: float = 1.0) -> Estimate:
    """The share of copies among fakes by their distance to the nearest training image, float64 (n,), with an interval that the
    number of fakes and that of training images decide. `seen`: the share of training images that were looked at; copies of others
    look like no copies, of which `QUANTILE` are found by chance."""
    ordered = np.sort(distance)
    found = np.searchsorted(ordered, [usual.threshold, *usual.resampled], side="right")
    count = len(ordered)
    part = float(found[0]) / count
    error = float(np.hypot(np.sqrt(part * (1 - part) / count), (found[1:] / count).std()))
    of_seen = share(float(found[0]), count, floor, error)
    if seen >= 1:
        return of_seen
    value, low, high = (
        min(1.0, max(0.0, QUANTILE + (each - QUANTILE) / seen)) for each in (of_seen.value, of_seen.low, of_seen.high)
    )
    return Estimate(value, low, high, floor)


def share_copied(rows: npt.NDArray[Any], training: npt.NDArray[Any]) -> float:
    """The share of copies among images (n, d) of training images (m, d)."""
    return float((nearest(rows, training).distance <= usual_within(training).threshold).mean())


def closest(found: Nearest, pairs: int = 10) -> npt.NDArray[np.int64]:
    """Which fakes are nearest to a training image, nearest first: int64 (pairs,), each of another training image as far as there
    are such."""
    order = np.argsort(found.distance, kind="stable")
    _, first = np.unique(found.place[order], return_index=True)
    others = np.setdiff1d(np.arange(len(order)), first)
    chosen: npt.NDArray[np.int64] = order[np.concatenate([np.sort(first), others])][:pairs]
    return chosen
