"""A number that says how good a trained generator is. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from zoo.generate.generator import Generator


class Metric(ABC):
    """A measure of what a generator draws; ``zoo evaluate RUN`` computes it.

    A plugin registers the class through the hook `zoo_register_metrics(register)`; it is made without arguments.
    """

    name: ClassVar[str]
    """What it is called on the command line: lower case, letters, digits, ``-`` and ``_``."""
    summary: ClassVar[str]
    """One sentence on what it measures."""
    samples: ClassVar[int] = 1000
    """How many images it draws where nobody says."""

    def unsuited(self, generator: Generator, data: str) -> str | None:
        """Why it says nothing of this generator, trained on ``--data`` `data`; None where it does."""
        return None

    @abstractmethod
    def compute(self, generator: Generator, data: str, samples: int, seed: int) -> Mapping[str, float]:
        """The measure's numbers by name.

        Args:
            generator: draws the images.
            data: what it was trained on, as ``--data`` names it.
            samples: how many images to draw.
            seed: of their latents.
        """
