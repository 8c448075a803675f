"""The real images that generated ones are compared with."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zoo.data.images import Fit
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore, prepare
from zoo.evaluate.extractors.choose import RealData
from zoo.evaluate.extractors.extractor import levels
from zoo.generate.sampling import straight

MOST = 10_000
"""Real images that are compared with, at most: more cost time, and tell little more."""


class RealImages:
    """The images of a source at the shape of the generated ones, of which `MOST` at most are chosen by a seed."""

    def __init__(self, source: DataSource, spec: DataSpec, fit: Fit, seed: int) -> None:
        self.source = source
        self.spec = spec
        self.fit: Fit = fit
        self.seed = seed

    @cached_property
    def store(self) -> ImageStore:
        """All of them, prepared."""
        return prepare(self.source, self.spec, fit=self.fit)

    def some(self, count: int) -> npt.NDArray[np.int64]:
        """Which of them `count` are, in the data's order."""
        return np.sort(np.random.default_rng(self.seed).permutation(len(self.store))[:count])

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Which of them are chosen."""
        return self.some(MOST)

    @cached_property
    def pixels(self) -> Tensor:
        """The chosen ones, uint8 (n, C, H, W), of straight colours."""
        return self.pixels_of(self.places)

    def pixels_of(self, places: npt.NDArray[np.int64]) -> Tensor:
        """Some of all, uint8 (n, C, H, W), of straight colours."""
        images = torch.from_numpy(self.store.images[places]).permute(0, 3, 1, 2).contiguous()
        return images if images.shape[1] != 4 else levels(straight(images.float() / 127.5 - 1))

    @cached_property
    def labels(self) -> Tensor | None:
        """Their classes, int64 (n,)."""
        return None if self.store.labels is None else torch.from_numpy(self.store.labels[self.places])

    @cached_property
    def halves(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Two disjoint halves of the chosen ones, by their places among these, in random order: each part of a half is of all."""
        mixed = np.random.default_rng((self.seed, 1)).permutation(len(self.places))
        half = len(mixed) // 2
        return mixed[:half], mixed[half : 2 * half]

    @cached_property
    def fingerprint(self) -> str:
        """What tells the data's content from any other."""
        return self.source.fingerprint()

    def as_data(self) -> RealData:
        """As a feature network is chosen by it."""
        names = tuple(self.store.class_names)
        return RealData(self.spec, self.fingerprint, names, lambda: (self.pixels, self.labels))
