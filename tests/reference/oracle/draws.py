"""Inputs that come out the same, bit for bit, on every machine and with every release of NumPy.

They are made of PCG64's raw integers, whose stream NumPy guarantees, by exact arithmetic. Every number is a multiple of
2^-20 and a float32 holds it without rounding, so that both precisions see the same inputs.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Draws:
    """A stream of numbers of its own for every name."""

    def __init__(self, name: str) -> None:
        self._bits = np.random.PCG64(crc32(name.encode()))

    def integers(self, below: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers from 0 up to, not including, `below`."""
        return (self._raw(shape) % below).astype(np.int64)

    def uniform(self, *shape: int) -> Array:
        """Numbers in [0, 1)."""
        return self._raw(shape) / 2.0**20

    def bell(self, *shape: int) -> Array:
        """Mean 0, variance 1, within ±6: the sum of twelve uniform numbers, less 6."""
        return sum(self.uniform(*shape) for _ in range(12)) - 6.0

    def _raw(self, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return (self._bits.random_raw(count) >> np.uint64(44)).astype(np.float64).reshape(shape)
