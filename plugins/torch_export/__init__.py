"""``zoo export RUN --to torch``: the generator as a program of plain torch, which needs no zoo to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import zoo


class Torch(zoo.Exporter):
    """G's graph and weights (`torch.export`), for any number of latents at once, on the device where it was made.

    Nothing of zoo is in it: the ops are torch's own. What it draws is what the run draws, up to rounding.
    """

    name = "torch"
    summary = "A program of plain torch (torch.export.load reads it, zoo is not needed), with facts in zoo.json."
    suffix = ".pt2"

    def export(self, generator: zoo.Generator, path: Path) -> None:
        """As `zoo.Exporter.export`."""
        from zoo_plugins.torch_export.program import write

        write(generator, path)


@zoo.hookimpl
def zoo_register_exporters(register: Callable[[type[zoo.Exporter]], None]) -> None:
    """The one format."""
    register(Torch)
