"""Measures the time that training takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Time spent in training, with what pictures and checkpoints take left out."""

    def __init__(self, seconds: float) -> None:
        self._before = seconds
        self._pauses, self._paused = 0, 0.0
        self.start(0)

    def start(self, count: int) -> None:
        """Begin to measure; `count` things are done already."""
        self._began = self._lap_began = time.perf_counter()
        self._count = count

    @property
    def seconds(self) -> float:
        """Seconds of training, those before a resume included."""
        return self._before + time.perf_counter() - self._began

    def lap(self, count: int) -> float:
        """Things per second since the last lap, where `count` of them are done in all."""
        now = time.perf_counter()
        speed = (count - self._count) / max(now - self._lap_began, 1e-9)
        self._lap_began, self._count = now, count
        return round(speed, 2)

    @property
    def pause(self) -> float:
        """Seconds of a pause until now, on average; 0 before there was one."""
        return self._paused / max(self._pauses, 1)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block whose time does not count."""
        began = time.perf_counter()
        yield
        lost = time.perf_counter() - began
        self._began += lost
        self._lap_began += lost
        self._pauses, self._paused = self._pauses + 1, self._paused + lost
