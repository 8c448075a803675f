"""Precision and recall, density and coverage: whether fakes lie where real images do, and real ones where fakes do.

Around each feature of a set lies a ball that reaches to its k-th nearest neighbour in that set; together they are its manifold.

- Kynkäänniemi et al. 2019 (https://arxiv.org/abs/1904.06991), k = 3: precision is the share of fakes within the manifold of real
  images, recall the share of real images within that of fakes.
- Naeem et al. 2020 (https://arxiv.org/abs/2002.09797), k = 5: density is the number of real balls that a fake lies in, over k;
  coverage the share of real balls with a fake in them.

The standard errors are those of the jackknife over groups of either set: the balls of a group are left out, and those that
reached to one of it become larger.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.evaluate.measures.distances import blocks
from zoo.evaluate.measures.intervals import groups_of, jackknife_error

GROUPS = 10
"""Groups of the jackknife: each costs a look at all distances."""

PR_NEIGHBOURS = 3
DC_NEIGHBOURS = 5


class Share(NamedTuple):
    """A mean over images, and its standard error."""

    value: float
    error: float


class Balls(NamedTuple):
    """The squared radii of a set's balls, (n,), and those without each group, (groups, n), where a group's own are -1."""

    radii: npt.NDArray[np.float32]
    without: npt.NDArray[np.float32]


def balls_of(features: npt.NDArray[Any], k: int) -> Balls:
    """The balls of features (n, d), n > k."""
    group = groups_of(len(features), GROUPS)
    count = int(group.max()) + 1
    most = min(
        len(features) - 1, 3 * k + 6
    )  # enough that k of them are in other groups, but for one image in a million
    radii = np.empty(len(features), np.float32)
    without = np.empty((count, len(features)), np.float32)
    for part, found in blocks(features, features):
        here = np.arange(len(found))
        found[here, np.arange(part.start, part.stop)] = np.inf
        near = np.argpartition(found, most - 1, axis=1)[:, :most] if most < found.shape[1] else found.argsort(1)
        distances = np.take_along_axis(found, near, 1)
        order = distances.argsort(1, kind="stable")
        near, distances = np.take_along_axis(near, order, 1), np.take_along_axis(distances, order, 1)
        radii[part] = distances[:, k - 1]
        for left in range(count):
            stays = group[near] != left
            places = (stays.cumsum(1) >= k).argmax(1)
            enough = stays.sum(1) >= k
            without[left, part] = np.where(enough, distances[here, places], distances[:, -1])
        without[group[part], here + part.start] = -1
    return Balls(radii, without)


def within(
    points: npt.NDArray[Any], manifold: npt.NDArray[Any], k: int = PR_NEIGHBOURS, balls: Balls | None = None
) -> Share:
    """The share of points (n, d) within the manifold of others (m, d), m > k: precision of fakes in real ones, recall of real ones
    in fakes. `balls`: those of the manifold, where they are known."""
    balls = balls or balls_of(manifold, k)
    inside = np.empty(len(points), bool)
    left = np.empty((len(balls.without), len(points)), bool)
    for part, found in blocks(points, manifold):
        inside[part] = (found <= balls.radii).any(1)
        for group, radii in enumerate(balls.without):
            left[group, part] = (found <= radii).any(1)
    return Share(float(inside.mean()), float(np.hypot(_over_points(inside), jackknife_error(left.mean(1)))))


def density(
    fakes: npt.NDArray[Any], real: npt.NDArray[Any], k: int = DC_NEIGHBOURS, balls: Balls | None = None
) -> Share:
    """Density of fakes (n, d) among real ones (m, d), m > k: 1 where they lie as dense as these, more where they crowd."""
    balls = balls or balls_of(real, k)
    counts = np.empty(len(fakes), np.float64)
    left = np.empty((len(balls.without), len(fakes)), np.float64)
    for part, found in blocks(fakes, real):
        counts[part] = (found <= balls.radii).sum(1)
        for group, radii in enumerate(balls.without):
            left[group, part] = (found <= radii).sum(1)
    return Share(
        float(counts.mean()) / k,
        float(np.hypot(_over_points(counts), jackknife_error(left.mean(1)))) / k,
    )


def coverage(
    fakes: npt.NDArray[Any], real: npt.NDArray[Any], k: int = DC_NEIGHBOURS, balls: Balls | None = None
) -> Share:
    """Coverage of real ones (m, d), m > k, by fakes (n, d)."""
    balls = balls or balls_of(real, k)
    group = groups_of(len(fakes), GROUPS)
    groups = int(group.max()) + 1
    covered = np.zeros(len(real), bool)
    without_real = np.zeros((len(balls.without), len(real)), bool)
    without_fakes = np.zeros((groups, len(real)), bool)
    for part, found in blocks(fakes, real):
        inside = found <= balls.radii
        covered |= inside.any(0)
        for each, radii in enumerate(balls.without):
            without_real[each] |= (found <= radii).any(0)
        for each in range(groups):
            without_fakes[each] |= inside[group[part] != each].any(0)
    kept = np.stack([radii >= 0 for radii in balls.without])
    of_real = (without_real & kept).sum(1) / kept.sum(1)
    return Share(
        float(covered.mean()), float(np.hypot(jackknife_error(of_real), jackknife_error(without_fakes.mean(1))))
    )


def _over_points(values: npt.NDArray[Any]) -> float:
    """The standard error of a mean over images of their own."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
