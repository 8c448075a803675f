"""A trained generator as a file that other programs read. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from zoo.generate.generator import Generator


class Exporter(ABC):
    """Writes a trained generator in a format; ``zoo export RUN --to NAME`` calls it.

    A plugin registers the class through the hook `zoo_register_exporters(register)`; it is made without arguments.
    """

    name: ClassVar[str]
    """What it is called on the command line: lower case, letters, digits, ``-`` and ``_``."""
    summary: ClassVar[str]
    """One sentence on the format, and on what reads it."""
    suffix: ClassVar[str]
    """How its files end: ``.pt2``."""

    @abstractmethod
    def export(self, generator: Generator, path: Path) -> None:
        """Write the generator to `path`, which does not exist yet and is removed where this fails."""
