"""The real pictures for contenders that are not zoo, and generated ones as files hold them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from speedrunning.data import DataSet


def real(data: DataSet, place: str) -> Tensor:
    """All of them, float32 (N, C, H, W) in [-1, 1]."""
    from zoo.data.registry import open_source
    from zoo.data.spec import DataSpec
    from zoo.evaluate.real import RealImages

    images = RealImages(open_source(place), DataSpec(data.channels, data.side, data.side), "crop", 0).store.images
    return torch.from_numpy(np.asarray(images)).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()


class Batches:
    """Batches of them without end, each picture once per pass, in an order drawn from the seed; the rest is left out."""

    def __init__(self, images: Tensor, size: int, seed: int) -> None:
        self.images, self.size = images, size
        self._random = torch.Generator().manual_seed(seed)
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self) -> Tensor:
        if len(self._order) < self.size:
            self._order = torch.randperm(len(self.images), generator=self._random)
        chosen, self._order = self._order[: self.size], self._order[self.size :]
        return self.images[chosen]


def as_bytes(images: Tensor) -> np.ndarray:
    """Images in [-1, 1] as uint8 (N, H, W, C)."""
    levels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()
