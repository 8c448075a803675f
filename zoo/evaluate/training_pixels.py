"""All the images that a run has learnt of, compared by their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from zoo.evaluate.measures.distances import nearest_in_parts
from zoo.evaluate.real import RealImages, chosen, parts
from zoo.metric import Nearest, TrainingData

LARGEST = 32
"""Pixels a side at which pictures are compared."""

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


class TrainingPixels(TrainingData):
    """The images of some data but for those that a run has held out, each a row of numbers (`as_rows`). However many there are,
    few are in memory at a time."""

    def __init__(self, real: RealImages) -> None:
        self._real = real

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def places(self) -> Places:
        """As `TrainingData.places`."""
        return np.delete(np.arange(len(self._real.store), dtype=np.int64), self.held_out)

    @property
    def held_out(self) -> Places:
        """As `TrainingData.held_out`."""
        return self._real.held_out

    @property
    def real_places(self) -> Places:
        """As `TrainingData.real_places`."""
        return self._real.places

    @property
    def values(self) -> int:
        """How many numbers an image is."""
        return int(as_rows(torch.zeros(1, *self._real.spec.shape, dtype=torch.uint8)).size)

    def some(self, count: int) -> Places:
        """As `TrainingData.some`."""
        return chosen(len(self), count, self._real.seed)

    def rows(self, places: Places) -> Floats:
        """As `TrainingData.rows`."""
        return as_rows(self._real.pixels_of(places))

    def nearest(self, rows: Floats, itself: Places | None = None, beyond: float = 0.0) -> Nearest:
        """As `TrainingData.nearest`."""
        found = nearest_in_parts(rows, self._parts(), itself, beyond)
        return Nearest(self.places[found.place], found.distance)

    def _parts(self) -> Iterator[Floats]:
        for part in parts(len(self), int(np.prod(self._real.spec.shape))):
            yield self.rows(self.places[part])


def as_rows(images: Tensor) -> Floats:
    """Images uint8 (n, C, H, W) as rows of shares of 255; larger ones as means over squares, so that no side is above 32."""
    square = -(-max(images.shape[2:]) // LARGEST)
    pieces = [avg_pool2d(piece.float(), min(square, *piece.shape[2:])) for piece in torch.split(images, 500)]
    values: Floats = torch.cat(pieces).flatten(1).div(255).numpy()
    return values
