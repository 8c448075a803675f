"""``zoo export RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from zoo.cli.arguments import parse
from zoo.cli.importing import importing
from zoo.errors import OptionError
from zoo.generate.pictures.output import check_out, make_folder
from zoo.plugins.kinds import EXPORTER
from zoo.plugins.registry import registry
from zoo.run.files import replacing

if TYPE_CHECKING:
    from zoo.exporter import Exporter


@dataclass
class Export:
    """Write a trained generator as a file that other programs read. The formats are those that plugins bring (zoo plugins);
    torch is one that torch reads without zoo."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    to: str = "torch"
    """The format, by name."""
    out: Path | None = None
    """The file; by default RUN.pt2 here, or with the suffix of another format. A file of that name is replaced;
    folders on the way are made."""
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="best|last|N")] = None
    """The checkpoint: best, which --keep-best has kept, last, or that of a step; by default the newest."""
    step: int | None = None
    """The same by its step alone."""
    raw: bool = False
    """Write the weights themselves, not their running average."""


def run(arguments: Sequence[str]) -> int:
    """Export; returns the exit code."""
    given = parse(Export, "export", arguments)
    exporter: Exporter = registry().find(EXPORTER, given.to)()
    out = given.out or Path(f"{given.run.resolve().name}{exporter.suffix}")
    if out.suffix != exporter.suffix:
        raise OptionError(f"--out {out}: the format {exporter.name} is written to NAME{exporter.suffix}")
    check_out(out, (exporter.suffix.lower(),), folder=False)

    with importing():
        from zoo.plugins.load import load

    generator = load(given.run, step=given.step, checkpoint=given.checkpoint, averaged=not given.raw)
    if reason := exporter.unsuited(generator):
        raise OptionError(f"--to {exporter.name}: {reason}")
    make_folder(out.parent)
    with replacing(out) as temporary:
        exporter.export(generator, temporary)
    print(f"{generator.architecture}, step {generator.step}, as {exporter.name}: {out} ({out.stat().st_size:,} bytes)")
    return 0
