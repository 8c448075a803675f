"""The clock of a contender: seconds since its process began, without those in which it is watched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

BEGAN = time.monotonic()
"""When this was imported, which a worker does before anything that takes long: importing torch counts."""


class Stopwatch:
    """Seconds that training took, its process's start and its data's preparation included."""

    def __init__(self) -> None:
        self._watched = 0.0

    @property
    def seconds(self) -> float:
        """As of now."""
        return time.monotonic() - BEGAN - self._watched

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While this lasts, no time passes: snapshots are made, which no training needs."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._watched += time.monotonic() - began


def marks(seconds: float, first: float = 10.0, per_doubling: int = 4) -> list[float]:
    """When a contender is looked at: evenly on a scale of logarithms, from `first` to `seconds`, both included."""
    found, number = [], 0
    while (mark := first * 2 ** (number / per_doubling)) < seconds * 0.99:
        found.append(mark)
        number += 1
    return [*found, seconds]
