"""What a metric is given of pictures in a file or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from zoo.data.images import Fit
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError, NoGeneratorError, OptionError
from zoo.evaluate.context import ComparedContext
from zoo.evaluate.extractors.choose import Choice
from zoo.evaluate.real import RealImages
from zoo.generate.generator import Generator
from zoo.generate.samples import Samples
from zoo.options import Options


class PicturesContext(ComparedContext):
    """The context for pictures that somebody generated, and real images."""

    def __init__(
        self,
        pictures: DataSource,
        source: DataSource,
        samples: int | None = None,
        seed: int = 0,
        choice: Choice | None = None,
        spec: DataSpec | None = None,
        fit: Fit = "crop",
        learner: Options | None = None,
    ) -> None:
        """`samples` of the pictures, all by default. `spec`, `fit`: how the real ones are brought to a shape, as a run
        did, `learner` its options; by default they have one. Raises DataError where the two are not of one shape."""
        self.data = source.opened_as or source.title
        self._source = source
        self.seed = seed
        self.choice = choice or Choice()
        self.fit, self.learner = fit, learner
        self._spec = shape_of(pictures)
        real = spec or shape_of(source)
        if real.shape != self._spec.shape:
            raise DataError(
                f"{pictures.title} holds {_words(self._spec)}, and {source.title} {_words(real)}: they do not compare; give real "
                "images of the same size and colours, or a run on them (--against RUN), which brings them to its size"
            )
        self._pictures = RealImages(pictures, self._spec, "crop", seed)
        self.samples = min(samples or len(pictures), len(pictures))
        if samples is not None and samples > len(pictures):
            raise OptionError(f"--samples {samples}: {pictures.title} holds {len(pictures):,} pictures")

    @property
    def generator(self) -> Generator:  # type: ignore[override]
        """None is known. Raises NoGeneratorError."""
        raise NoGeneratorError("it asks for the generator, and the pictures come from a file or a folder")

    @property
    def source(self) -> DataSource:
        """As `EvaluationContext.source`."""
        return self._source

    @property
    def spec(self) -> DataSpec:
        """As `EvaluationContext.spec`."""
        return self._spec

    @property
    def class_names(self) -> Sequence[str]:
        """As `EvaluationContext.class_names`."""
        return self._pictures.source.class_names

    @cached_property
    def fakes(self) -> Samples:
        """As `EvaluationContext.fakes`, without what they were drawn from."""
        images, labels = self._drawn
        names = self._pictures.store.class_names if labels is not None else ()
        floats = images.float() / 127.5 - 1
        return Samples(floats, torch.empty(len(images), 0), labels, class_names=names, points=self._spec.points)

    def _tell_same(self, what: str) -> None:
        """Raise DataError: whoever gives such a file has given the wrong one."""
        raise DataError(f"{self._pictures.source.title}: {what}, of which there is nothing to measure; give others")

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor | None]:
        places = self._pictures.some(self.samples)
        self.samples = len(places)  # fewer where some cannot be read
        places = places[self._order(len(places))]
        labels = self._pictures.store.labels
        return self._pictures.pixels_of(places), None if labels is None else torch.from_numpy(labels[places])


def shape_of(source: DataSource) -> DataSpec:
    """The shape of a source's images. Raises DataError where they have several."""
    if source.height is None or source.width is None:
        raise DataError(
            f"{source.title} holds pictures of several sizes; bring them to one size before they are compared"
        )
    return DataSpec(source.channels, source.height, source.width, source.classes, source.points)


def _words(spec: DataSpec) -> str:
    return f"{spec.colours} {spec.kind}"
