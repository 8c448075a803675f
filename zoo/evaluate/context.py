"""What a metric is given of one run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zoo.data.images import Fit
from zoo.data.reading import Reading
from zoo.data.registry import builtin_names, open_source
from zoo.data.source import DataSource
from zoo.errors import DataError, OptionError
from zoo.evaluate.extractors.choose import Choice
from zoo.evaluate.extractors.extractor import Extractor, levels
from zoo.evaluate.features import ComputedFeatures
from zoo.evaluate.real import MOST, RealImages
from zoo.evaluate.training_pixels import TrainingPixels, as_rows
from zoo.generate.generator import Generator
from zoo.generate.samples import Samples
from zoo.generate.sampling import straight
from zoo.metric import EvaluationContext, Nearest
from zoo.options import Options
from zoo.system.names import listed, shown

log = logging.getLogger(__name__)


class ComparedContext(EvaluationContext):
    """Pictures that are compared with real ones; what they are is for its subclasses to say."""

    fit: Fit = "crop"
    """How real images of another aspect are brought to the shape of the pictures."""
    learner: Options | None = None
    """The options of the run that has learnt of the real images; None where that is not known."""
    choice: Choice
    """Which feature network looks at them."""
    averaged: bool | None = None
    """Whether they are of the running average of the weights; None where there is no generator."""
    truncation: float | None = None
    """That of their latents."""
    beside: ComparedContext | None = None
    """One with other samples and the same real images, which has opened them."""

    @cached_property
    def comparison(self) -> RealImages:
        """The real images."""
        return RealImages(self.source, self.spec, self.fit, self.seed, self.learner)

    @cached_property
    def training(self) -> TrainingPixels:
        """As `EvaluationContext.training`."""
        return TrainingPixels(self.comparison)

    @cached_property
    def nearest_training(self) -> Nearest:
        """As `EvaluationContext.nearest_training`."""
        return self.training.nearest(as_rows(self.pixels))

    @property
    def real_count(self) -> int:
        """As `EvaluationContext.real_count`."""
        return min(MOST, len(self.source))

    def real(self, count: int) -> Tensor:
        """As `EvaluationContext.real`."""
        images = torch.from_numpy(self.comparison.store.images[self.comparison.some(count)])
        images = images.permute(0, 3, 1, 2).contiguous()
        return images if self.spec.points else straight(images.float() / 127.5 - 1)

    @property
    def real_pixels(self) -> Tensor:
        """As `EvaluationContext.real_pixels`."""
        return self.comparison.pixels

    @property
    def real_labels(self) -> Tensor | None:
        """As `EvaluationContext.real_labels`."""
        return self.comparison.labels

    @cached_property
    def network(self) -> Extractor:
        """The feature network. Raises OptionError for one that does not fit."""
        if self.spec.points:
            raise OptionError(
                "a feature network looks at pictures, and the data is points; --metric modes counts their modes"
            )
        return self.choice.extractor(self.comparison.as_data())

    @cached_property
    def features(self) -> ComputedFeatures:
        """As `EvaluationContext.features`."""
        return ComputedFeatures(self.network, self.comparison, lambda: self.pixels)

    @cached_property
    def pixels(self) -> Tensor:
        """As `EvaluationContext.pixels`. That all are the same picture is logged."""
        drawn = self._drawn[0]
        if len(drawn) > 1 and bool((drawn == drawn[0]).all()):
            self._tell_same(f"all {len(drawn):,} pictures are the same one")
        return drawn

    def _order(self, count: int) -> npt.NDArray[np.int64]:
        """In which order as many generated images are handed out: a random one, of the seed. Files come by name, and classes in
        turn: without it the first thousand, or every fifth, would be of some classes alone."""
        return np.random.default_rng((self.seed, 2)).permutation(count)

    def _tell_same(self, what: str) -> None:
        """Say that all pictures are the same one: a generator does so as it begins, or has collapsed."""
        log.warning("%s: the generator has collapsed, or has learnt nothing yet", what)

    @property
    def labels(self) -> Tensor | None:
        """As `EvaluationContext.labels`."""
        asked = self._drawn[1]
        return None if asked is None else _renumbered(asked, self.class_names, self.real_class_names)

    @property
    def _drawn(self) -> tuple[Tensor, Tensor | None]:
        """The pictures, uint8, and their classes."""
        raise NotImplementedError


def _renumbered(labels: Tensor, names: Sequence[str], others: Sequence[str]) -> Tensor:
    """Labels of some names by the numbers that the same names have among others. Raises DataError for one that is not there."""
    if list(names) == list(others):
        return labels
    number = {name: place for place, name in enumerate(others)}
    if unknown := [names[label] for label in sorted(set(labels.tolist())) if names[label] not in number]:
        raise DataError(f"the real images have no class {unknown[0]!r}: theirs are {listed(others)}")
    return torch.tensor([number.get(name, -1) for name in names])[labels]


class RunContext(ComparedContext):
    """The context for a generator (`zoo.load`) and what it was trained on, or other data."""

    def __init__(
        self,
        generator: Generator,
        data: str,
        samples: int,
        seed: int = 0,
        sources: Sequence[type[DataSource]] = (),
        choice: Choice | None = None,
        averaged: bool = True,
        truncation: float | None = None,
        read_as: Options | None = None,
    ) -> None:
        """`data` as ``--data`` names it; `sources`: the kinds of data that plugins bring, where one is meant. `read_as`: the
        options of the run that read it so; by default those of the generator's run for its own data, and none for other data."""
        self.generator = generator
        self.data = data
        self.samples = samples
        self.seed = seed
        self.choice = choice or Choice()
        self.averaged = averaged
        self.truncation = truncation
        self._sources = sources
        own = generator.options if data == generator.options.data else None
        reader = read_as or own
        self.learner = reader
        self.fit = (reader or generator.options).fit
        self._reading = None if reader is None else Reading.of(reader)

    @cached_property
    def fakes(self) -> Samples:
        """As `EvaluationContext.fakes`."""
        drawn = self.generator.sample(self.samples, self.seed, truncation=self.truncation)
        order = torch.from_numpy(self._order(len(drawn)))
        labels = None if drawn.labels is None else drawn.labels[order]
        return replace(drawn, images=drawn.images[order], latents=drawn.latents[order], labels=labels, turns=False)

    @cached_property
    def source(self) -> DataSource:
        """As `EvaluationContext.source`."""
        if self.beside is not None:
            return self.beside.source
        if self.data not in builtin_names():  # a run of somebody else's names any place: stderr shows it
            log.warning("real images are read from %s", shown(self.data))
        return open_source(self.data, self._sources, self._reading)

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor | None]:
        """Drawn in parts, of which bytes are kept; those of `fakes` where these are drawn already."""
        if "fakes" in vars(self):
            return levels(self.fakes.images), self.fakes.labels
        drawn = self.generator.stream(self.samples, self.seed, truncation=self.truncation)
        parts = [(levels(part.images), part.labels) for part in drawn]
        labels = [of_part for _, of_part in parts if of_part is not None]
        images = torch.cat([of_part for of_part, _ in parts])
        order = torch.from_numpy(self._order(len(images)))
        return images[order], torch.cat(labels)[order] if labels else None
