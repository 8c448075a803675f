"""Numbers that say how good a trained generator is. Importing this imports no torch."""

from __future__ import annotations

import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from zoo.data.source import DataSource
    from zoo.data.spec import DataSpec
    from zoo.generate.generator import Generator
    from zoo.generate.samples import Samples


T = TypeVar("T")

Best = Literal["lowest", "highest"]
"""Which of two numbers is the better one."""


@dataclass(frozen=True)
class Estimate:
    """A number that was computed of a sample, and how far it can be trusted. NumPy's numbers and tensors of one number are taken as
    what they hold. Raises TypeError for what is no number."""

    value: float
    """The number."""
    low: float
    """Where its interval of 95 % begins."""
    high: float
    """Where that ends."""
    floor: float | None = None
    """What real images give in the place of the generated ones: one half of them measured against the other. None: not known."""

    def __post_init__(self) -> None:
        for each in fields(self):
            given: Any = getattr(self, each.name)
            if not (given is None and each.name == "floor"):
                object.__setattr__(self, each.name, _number(given, each.name))

    def __float__(self) -> float:
        return self.value

    @property
    def finite(self) -> bool:
        """Whether all its numbers are."""
        return all(math.isfinite(each) for each in (self.value, self.low, self.high, self.floor or 0.0))


def _number(given: Any, field: str) -> float:
    """It as a float. Raises TypeError where it is none."""
    try:
        if not isinstance(given, str | bytes):
            return float(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # an array or a tensor of several, among others
        pass
    raise TypeError(f"{field} of an Estimate is {reprlib.repr(given)}; give one number")


class Nearest(NamedTuple):
    """For each row the place of the nearest of the others, and the distance to it."""

    place: npt.NDArray[np.int64]
    distance: npt.NDArray[np.float64]


class TrainingData(ABC):
    """All the images that a run has learnt of, each a row of numbers, float32 (n, d): its pixels, at 32×32 at most. However many
    there are, few are in memory at a time."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def places(self) -> npt.NDArray[np.int64]:
        """Which of the data they are, in order."""

    @property
    @abstractmethod
    def held_out(self) -> npt.NDArray[np.int64]:
        """Which of the data the run has not learnt of (``--hold-out``), in order."""

    @property
    @abstractmethod
    def real_places(self) -> npt.NDArray[np.int64]:
        """Which of the data `EvaluationContext.real_pixels` are, in order."""

    @abstractmethod
    def some(self, count: int) -> npt.NDArray[np.int64]:
        """`count` of them, chosen by the evaluation's seed: which of `places`, in order."""

    @abstractmethod
    def rows(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Images of the data as rows."""

    @abstractmethod
    def nearest(
        self, rows: npt.NDArray[np.float32], itself: npt.NDArray[np.int64] | None = None, beyond: float = 0.0
    ) -> Nearest:
        """The nearest of them for each row, by its place in the data. `itself`: which of `places` a row is, where it is one: it is
        not its own neighbour. Those up to the distance `beyond` are not looked at."""


class Matched(NamedTuple):
    """Features of as many generated images as of either half of the real ones, float32 (n, d) each, in random order."""

    fakes: npt.NDArray[np.float32]
    one: npt.NDArray[np.float32]
    other: npt.NDArray[np.float32]


class Features(ABC):
    """What a feature network sees in generated and in real images: float32 (n, d), a row for each image.

    Each is computed when it is first asked for, once, however many metrics ask.
    """

    @property
    @abstractmethod
    def extractor(self) -> str:
        """The name of the network."""

    @property
    @abstractmethod
    def fakes(self) -> npt.NDArray[np.float32]:
        """Of the generated images: row i is of `EvaluationContext.pixels[i]`. Their order is random, so that the first n of them,
        or every fifth, are a sample of all: of all classes, too."""

    @property
    @abstractmethod
    def real(self) -> npt.NDArray[np.float32]:
        """Of real ones: all, or as many as `EvaluationContext.real_count` says."""

    @property
    @abstractmethod
    def halves(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Of two disjoint halves of these, of one size, chosen by the seed, in random order: what real against real gives is the
        floor."""

    @property
    @abstractmethod
    def halves_of(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Which rows of `real` the two halves are."""

    @property
    def matched(self) -> Matched:
        """The generated ones and the two halves, cut to one number of images: that of the fewest. What a number of `fakes` and
        `one` is depends on how many they are; that of `other` and `one` is its floor."""
        count = min(len(self.fakes), len(self.halves[0]))
        return Matched(self.fakes[:count], *(half[:count] for half in self.halves))

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """What `compute` gives, where that hangs on the real images alone, as a floor does: a training, which evaluates again and
        again, computes it once. `name` tells it from others, the metric's first: ``kid.floor``."""
        return compute()


class EvaluationContext(ABC):
    """What a metric may use. Images are drawn, and data is opened, when first asked for."""

    generator: Generator
    """The trained generator. Raises NoGeneratorError where pictures are judged that come from a file or a folder."""
    data: str
    """What it was trained on, or is compared with, as ``--data`` names it."""
    samples: int
    """How many images to judge."""
    seed: int
    """Of everything random."""

    @property
    @abstractmethod
    def fakes(self) -> Samples:
        """`samples` images of the generator, drawn from `seed` in batches; where there are classes, as many of each. Their order is
        random, of the seed."""

    @property
    @abstractmethod
    def source(self) -> DataSource:
        """The data, opened. Raises DataError where it is no longer there."""

    @abstractmethod
    def real(self, count: int) -> Tensor:
        """Real images, float32 (count, C, H, W) in [-1, 1], as D saw them: chosen by `seed`, none twice, in the data's order.

        Fewer where the data has not so many. Raises DataError where it is no longer there.
        """

    @property
    def spec(self) -> DataSpec:
        """The shape of the images."""
        return self.generator.spec

    @property
    def real_count(self) -> int:
        """How many real images are compared with. Raises DataError where they are no longer there."""
        return len(self.source)

    @property
    def features(self) -> Features:
        """What the chosen feature network sees. Raises OptionError for images that are none to it."""
        raise NotImplementedError

    @property
    def pixels(self) -> Tensor:
        """The generated images as files hold them, uint8 (samples, C, H, W), in the order of `fakes`."""
        raise NotImplementedError

    @property
    def class_names(self) -> Sequence[str]:
        """The names of the classes that generated images were asked for by; empty where there are none. Nothing is drawn for it."""
        return self.generator.class_names

    @property
    def labels(self) -> Tensor | None:
        """The classes of the generated images as they were asked for, int64 (samples,), in the order of `fakes`, by the numbers
        that real images of the same names have (`real_class_names`); None where there are none. Raises DataError where real images
        have no such class (`unknown_classes`)."""
        return self.fakes.labels

    @property
    def real_pixels(self) -> Tensor:
        """The real images that `features` are of, uint8 (real_count, C, H, W), in the data's order."""
        raise NotImplementedError

    @property
    def real_class_names(self) -> Sequence[str]:
        """The names of the classes of real images, by their numbers; empty where there are none. Nothing is read for it."""
        return self.source.class_names

    @property
    def unknown_classes(self) -> list[str]:
        """The classes of generated images that real ones do not have, by name."""
        known = set(self.real_class_names)
        return [name for name in self.class_names if name not in known]

    @property
    def training(self) -> TrainingData:
        """All the images that the run has learnt of, by their pixels: not those that are held out (``--hold-out``)."""
        raise NotImplementedError

    @property
    def nearest_training(self) -> Nearest:
        """The nearest of these for each generated image, by its place in the data, and the distance to it; computed once."""
        raise NotImplementedError

    @property
    def real_labels(self) -> Tensor | None:
        """Their classes, int64 (real_count,); None where the data has none."""
        raise NotImplementedError


class Metric(ABC):
    """A measure of what a generator draws; ``zoo evaluate RUN`` computes it.

    A plugin registers the class through the hook `zoo_register_metrics(register)`; it is made without arguments.
    """

    name: ClassVar[str]
    """What it is called on the command line: lower case, letters, digits, ``-`` and ``_``."""
    summary: ClassVar[str]
    """One sentence on what it measures."""
    samples: ClassVar[int] = 1000
    """How many images it judges where nobody says."""
    numbers: ClassVar[Mapping[str, str]] = {}
    """What its numbers mean, half a sentence each by name: ``zoo evaluate`` shows it beside the number."""

    best: ClassVar[Mapping[str, Best]] = {}
    """Which of its numbers checkpoints may be ranked by, and whether the lowest or the highest is best."""
    order: ClassVar[int] = 100
    """Its place among metrics where several are shown, lowest first, those of one place by name. Those that come with zoo have
    10 to 80."""
    made_by: ClassVar[str] = ""
    """The distribution that brings it with its version, as scores record it; empty for those that come with zoo, which sets it."""
    uses_features: ClassVar[bool] = False
    """Whether it asks for `EvaluationContext.features`: they depend on the chosen network, as its numbers then do."""

    def unsuited(self, context: EvaluationContext) -> str | None:
        """Why it says nothing of this generator, for a person; None where it does. Asked first, and quick: nothing is drawn."""
        return None

    @abstractmethod
    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """The measure's numbers by name, in the order in which they are shown; with their intervals where they have some.

        The same context gives the same numbers: what is random is drawn from generators of its own, seeded by `context.seed`.
        """
