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

    def unsuited(self, generator: Generator) -> str | None:
        """Why the format cannot hold this generator, for a person; None where it can. Asked before anything is written."""
        return None

    @abstractmethod
    def export(self, generator: Generator, path: Path) -> None:
        """Write the generator to `path`.

        Args:
            generator: its `network` is G in evaluation mode, from latents (N, options.latent) and, where there are
                `class_names`, labels (N,) int64, to images (N, C, H, W) in [-1, 1]; `spec`, `options` and `step` tell the rest.
            path: does not exist yet, ends in `suffix`, and is removed where this fails: the file that a person named is
                replaced by it once it is whole.
        """
