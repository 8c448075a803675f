"""``zoo curves RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from zoo.cli.arguments import parse
from zoo.errors import OptionError


@dataclass
class Curves:
    """Draw the curves of a run, finished or not: both losses, and D(x) and D(G(z)) over the steps. Needs matplotlib."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named."""
    out: Path | None = None
    """The picture to write, NAME.png; by default the run's curves.png. Folders on the way are made."""


def run(arguments: Sequence[str]) -> int:
    """Draw; returns the exit code."""
    given = parse(Curves, "curves", arguments)
    if given.out is not None and (given.out.suffix.lower() != ".png" or given.out.is_dir()):
        raise OptionError(f"--out {given.out}: give the name of a picture, NAME.png")

    from zoo.plots.curves import draw_curves, left_out
    from zoo.run.files import writing
    from zoo.run.run import Run

    found = Run(given.run)
    if given.out is not None:
        with writing(given.out):
            given.out.parent.mkdir(parents=True, exist_ok=True)
    print(f"curves of {found.path}: {draw_curves(found, given.out)}")
    if damage := left_out(found):
        print(damage)
    return 0
