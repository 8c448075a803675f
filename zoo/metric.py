"""Numbers that say how good a trained generator is. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.data.source import DataSource
    from zoo.generate.generator import Generator
    from zoo.generate.samples import Samples


class EvaluationContext(ABC):
    """What a metric may use. Images are drawn, and data is opened, when first asked for."""

    generator: Generator
    """The trained generator."""
    data: str
    """What it was trained on, as ``--data`` names it."""
    samples: int
    """How many images to judge."""
    seed: int
    """Of everything random."""

    @property
    @abstractmethod
    def fakes(self) -> Samples:
        """`samples` images of the generator, drawn from `seed` in batches; where there are classes, of each in turn."""

    @property
    @abstractmethod
    def source(self) -> DataSource:
        """The data, opened. Raises DataError where it is no longer there."""

    @abstractmethod
    def real(self, count: int) -> Tensor:
        """Real images, float32 (count, C, H, W) in [-1, 1], as D saw them: chosen by `seed`, none twice, in the data's order.

        Fewer where the data has not so many. Raises DataError where it is no longer there.
        """


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

    def unsuited(self, context: EvaluationContext) -> str | None:
        """Why it says nothing of this generator, for a person; None where it does. Asked first, and quick: nothing is drawn."""
        return None

    @abstractmethod
    def compute(self, context: EvaluationContext) -> Mapping[str, float]:
        """The measure's numbers by name, in the order in which they are shown.

        The same context gives the same numbers: what is random is drawn from generators of its own, seeded by `context.seed`.
        """
