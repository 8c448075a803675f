"""``zoo new NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from zoo.cli.arguments import parse
from zoo.run.run import quoted
from zoo.scaffold.names import choose_names
from zoo.scaffold.package import write_package


@dataclass
class New:
    """Write a package for a GAN of your own: it installs, trains and passes its tests as it is. Then change it."""

    name: tyro.conf.Positional[str]
    """What to call the architecture: my-gan becomes the package zoo-my-gan with the module zoo_my_gan."""
    out: Path | None = None
    """Folder of the package, new or empty; by default zoo-NAME."""


def run(arguments: Sequence[str]) -> int:
    """Write; returns the exit code."""
    given = parse(New, "new", arguments)
    names = choose_names(given.name)
    folder = given.out or Path(names.distribution)
    written = write_package(names, folder)
    print(f"{folder}: {len(written)} files of the package {names.distribution}")
    for path in written:
        print(f"  {path}")
    print(
        "\nNext:\n"
        f"  pip install -e {quoted(Path(f'{folder}[test]'))}\n"
        f"  zoo train {names.architecture}\n"
        f"  python -m pytest {quoted(folder)}\n"
        f"\nThen make {quoted(folder / f'{names.module}.py')} your own."
    )
    return 0
