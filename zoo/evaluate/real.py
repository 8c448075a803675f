"""The real images that generated ones are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zoo.data.cache import digest
from zoo.data.images import Fit
from zoo.data.loader import places_held_out
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore, prepare
from zoo.evaluate.extractors.choose import RealData
from zoo.evaluate.extractors.extractor import levels
from zoo.generate.sampling import straight
from zoo.options import Options
from zoo.system.streams import stream_seed

MOST = 10_000
"""Real images that are compared with, at most: more cost time, and tell little more."""


_VALUES = 1 << 22
"""Values of images that are floats at one time: 16 MiB."""


class RealImages:
    """The images of a source at the shape of the generated ones, of which `MOST` at most are chosen by a seed."""

    def __init__(self, source: DataSource, spec: DataSpec, fit: Fit, seed: int, learner: Options | None = None) -> None:
        """`learner`: the options of the run that has learnt of them, where one has."""
        self.source = source
        self._learner = learner
        self.spec = spec
        self.fit: Fit = fit
        self.seed = seed

    @cached_property
    def store(self) -> ImageStore:
        """All of them, prepared."""
        return prepare(self.source, self.spec, fit=self.fit)

    def some(self, count: int) -> npt.NDArray[np.int64]:
        """Which of them `count` are, in the data's order."""
        return chosen(len(self.store), count, self.seed)

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
        stored = self.store.images
        _, height, width, channels = stored.shape
        found = torch.empty(
            (len(places), channels, height, width), dtype=torch.float32 if self.spec.points else torch.uint8
        )
        for part in parts(len(places), height * width * channels):
            images = torch.from_numpy(stored[places[part]]).permute(0, 3, 1, 2)
            found[part] = images if channels != 4 else levels(straight(images.float() / 127.5 - 1))
        return found

    @cached_property
    def held_out(self) -> npt.NDArray[np.int64]:
        """The places of those that the run has not learnt of (``--hold-out``), in order."""
        learner, images = self._learner, len(self.store)
        count = 0 if learner is None or learner.hold_out >= images else learner.hold_out
        return places_held_out(images, count, stream_seed(0 if learner is None else learner.seed, "data"))

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
        """As a feature network is chosen by it, and learns of it: of images that no seed of an evaluation chooses, so that all
        seeds have the same network."""
        names = tuple(self.store.class_names)
        places = chosen(len(self.store), MOST, seed=0)
        identity = digest(
            self.fingerprint,
            len(self.store),
            len(places),
            self.fit,
            repr(sorted(self.source.read_with.items())),
            *names,
        )
        labels = self.store.labels
        learnt = cache(lambda: (self.pixels_of(places), None if labels is None else torch.from_numpy(labels[places])))
        return RealData(self.spec, identity, names, learnt)


def parts(images: int, values: int) -> Iterator[slice]:
    """So many images of so many values, some at a time, so that their floats take little memory."""
    step = max(1, _VALUES // max(1, values))
    for start in range(0, images, step):
        yield slice(start, min(images, start + step))


def chosen(images: int, count: int, seed: int) -> npt.NDArray[np.int64]:
    """The places of `count` of so many images, chosen by a seed, in order."""
    return np.sort(np.random.default_rng(seed).permutation(images)[:count])
