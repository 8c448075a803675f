"""Euclidean distances between two sets of features, a block at a time: memory does not grow with the product of their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.metric import Nearest

Floats = npt.NDArray[np.float32]

_VALUES = 1 << 22
"""Distances in a block: 16 MiB of float32."""


def blocks(rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> Iterator[tuple[slice, Floats]]:
    """Squared distances of features (n, d) and (m, d): for some rows at a time which they are, and their distances (rows, m).

    |x|² + |y|² - 2 x·y of float32, about their common mean, so that equal ones are near 0 and rounding matters little.
    """
    middle = np.asarray(columns).mean(0, dtype=np.float64).astype(np.float32)
    left, right = (np.asarray(each, np.float32) - middle for each in (rows, columns))
    norms = (right * right).sum(1)
    step = max(1, _VALUES // max(1, len(right)))
    for start in range(0, len(left), step):
        part = left[start : start + step]
        found = part @ right.T
        found *= -2
        found += (part * part).sum(1)[:, None]
        found += norms
        yield slice(start, start + len(part)), found.clip(min=0)


def nearest(
    rows: npt.NDArray[Any],
    columns: npt.NDArray[Any],
    itself: npt.NDArray[np.int64] | None = None,
    beyond: float = 0.0,
) -> Nearest:
    """The nearest column of each row, of features (n, d) and (m, d). `itself`: where the rows are some of the columns, which:
    a row is not its own neighbour, an equal one is. Those up to `beyond` are not looked at: the distance is infinite where no other
    is left. It is computed again from the difference: that of equal ones is 0."""
    index = np.empty(len(rows), np.int64)
    left = np.ones(len(rows), bool)
    for part, found in blocks(rows, columns):
        if itself is not None:
            own = itself[part]
            among = (own >= 0) & (own < found.shape[1])
            found[among.nonzero()[0], own[among]] = np.inf
        if beyond > 0:
            found[found <= beyond * beyond] = np.inf
        index[part] = found.argmin(1)
        left[part] = np.isfinite(found[np.arange(len(found)), index[part]])
    exact = [
        np.linalg.norm(
            np.asarray(rows[at : at + 1024], np.float64) - np.asarray(columns[index[at : at + 1024]]), axis=1
        )
        for at in range(0, len(rows), 1024)
    ]
    return Nearest(index, np.where(left, np.concatenate(exact), np.inf))


def nearest_in_parts(
    rows: npt.NDArray[Any],
    parts: Iterable[npt.NDArray[Any]],
    itself: npt.NDArray[np.int64] | None = None,
    beyond: float = 0.0,
) -> Nearest:
    """As `nearest`, of columns that come a part at a time, the places counted through."""
    place, distance = np.zeros(len(rows), np.int64), np.full(len(rows), np.inf)
    start = 0
    for columns in parts:
        found = nearest(rows, columns, None if itself is None else itself - start, beyond)
        nearer = found.distance < distance
        place[nearer], distance[nearer] = found.place[nearer] + start, found.distance[nearer]
        start += len(columns)
    return Nearest(place, distance)
