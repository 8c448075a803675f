"""What a metric is given of one run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from zoo.data.reading import Reading
from zoo.data.registry import builtin_names, open_source
from zoo.data.source import DataSource
from zoo.data.store import prepare
from zoo.generate.generator import Generator
from zoo.generate.samples import Samples
from zoo.generate.sampling import straight
from zoo.metric import EvaluationContext
from zoo.system.names import shown

log = logging.getLogger(__name__)


class RunContext(EvaluationContext):
    """The context for a generator (`zoo.load`) and what it was trained on."""

    def __init__(
        self, generator: Generator, data: str, samples: int, seed: int = 0, sources: Sequence[type[DataSource]] = ()
    ) -> None:
        """`data` as ``--data`` names it; `sources`: the kinds of data that plugins bring, where one is meant."""
        self.generator = generator
        self.data = data
        self.samples = samples
        self.seed = seed
        self._sources = sources
        # The run's own data is read as the run read it; other data as it is.
        self._reading = Reading.of(generator.options) if data == generator.options.data else None

    @cached_property
    def fakes(self) -> Samples:
        """As `EvaluationContext.fakes`."""
        return self.generator.sample(self.samples, self.seed)

    @cached_property
    def source(self) -> DataSource:
        """As `EvaluationContext.source`."""
        if self.data not in builtin_names():  # a run of somebody else's names any place: stderr shows it
            log.warning("real images are read from %s", shown(self.data))
        return open_source(self.data, self._sources, self._reading)

    def real(self, count: int) -> Tensor:
        """As `EvaluationContext.real`."""
        store = prepare(self.source, self.generator.spec, fit=self.generator.options.fit)
        places = np.sort(np.random.default_rng(self.seed).permutation(len(store))[:count])
        images = torch.from_numpy(store.images[places]).permute(0, 3, 1, 2).contiguous()
        return images if self.generator.spec.points else straight(images.float() / 127.5 - 1)
