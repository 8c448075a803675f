"""What a metric is given of a training at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from zoo.data.images import Fit
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore
from zoo.evaluate.context import RunContext
from zoo.evaluate.features import ComputedFeatures, kept_features
from zoo.evaluate.real import MOST, RealImages
from zoo.generate.generator import Generator


class TrainingImages(RealImages):
    """The images of a run that trains, which are prepared already; of their source a few facts are kept."""

    def __init__(
        self, source: DataSource, store: ImageStore, spec: DataSpec, fit: Fit, held_out: npt.NDArray[np.int64]
    ) -> None:
        facts = SimpleNamespace(opened_as=source.opened_as, read_with=dict(source.read_with))
        # Chosen by the seed that `zoo evaluate` has by default, so that runs share the features that are kept.
        super().__init__(cast(DataSource, facts), spec, fit, seed=0)
        self._store, self._fingerprint = store, source.fingerprint()
        vars(self)["held_out"] = held_out

    @property
    def store(self) -> ImageStore:
        """As `RealImages.store`."""
        return self._store

    @property
    def fingerprint(self) -> str:
        """As `RealImages.fingerprint`."""
        return self._fingerprint


class TrainingContext(RunContext):
    """The context of a generator that trains: asked again and again, each time of the weights as they are."""

    def __init__(
        self,
        generator: Generator,
        images: TrainingImages,
        open_source: Callable[[], DataSource],
        samples: int,
        seed: int,
        averaged: bool,
    ) -> None:
        """`open_source` opens the data for a metric that asks for it. `seed`: of the latents, the same each time."""
        super().__init__(generator, generator.options.data, samples, seed, averaged=averaged)
        self._images, self._open = images, open_source
        self._known: dict[str, Any] = {}

    @property
    def comparison(self) -> TrainingImages:
        """As `ComparedContext.comparison`."""
        return self._images

    @cached_property
    def source(self) -> DataSource:
        """As `EvaluationContext.source`."""
        return self._open()

    @property
    def real_count(self) -> int:
        """As `EvaluationContext.real_count`."""
        return min(MOST, len(self._images.store))

    @property
    def real_class_names(self) -> Sequence[str]:
        """As `EvaluationContext.real_class_names`: in the order in which the run learns them, which a source may not have."""
        return self._images.store.class_names

    @cached_property
    def real_features(self) -> npt.NDArray[np.float32]:
        """The features of the real images, read or computed once."""
        return kept_features(self.network, self._images)

    @cached_property
    def features(self) -> ComputedFeatures:
        """As `EvaluationContext.features`."""
        found = ComputedFeatures(self.network, self._images, lambda: self.pixels)
        vars(found)["real"] = self.real_features  # which it would read again each time
        found.known = self._known
        return found

    def forget(self) -> None:
        """Let go of what was drawn and computed of the weights as they were, and of the real images' pixels."""
        for name in ("fakes", "_drawn", "pixels", "features", "source", "nearest_training"):
            vars(self).pop(name, None)
        vars(self._images).pop("pixels", None)
