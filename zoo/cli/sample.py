"""``zoo sample RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from zoo.cli.arguments import parse
from zoo.errors import OptionError

if TYPE_CHECKING:
    from zoo.generate.grid import Pixels

PICTURES = (".png", ".jpg", ".jpeg")


@dataclass
class Sample:
    """Draw pictures with a trained generator: a grid (.png, .jpg), an array (.npy), or a folder of single pictures."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named."""
    out: Path = Path("samples.png")
    """What to write: NAME.png or NAME.jpg for a grid, NAME.npy for uint8 (n, H, W, C), else a folder of PNG files."""
    n: int | None = None
    """How many; by default 64, one for each of --labels, or 8 of each class with --all-classes."""
    seed: int = 0
    """The same seed draws the same pictures."""
    labels: str | None = None
    """Classes to draw, as indices or names with commas between: 3,3,4. Repeated to make up --n."""
    all_classes: bool = False
    """One row for each class, of --n pictures."""
    step: int | None = None
    """The checkpoint of this step instead of the newest."""
    raw: bool = False
    """Draw with the weights themselves, not with their running average."""


def run(arguments: Sequence[str]) -> int:
    """Draw; returns the exit code."""
    given = parse(Sample, "sample", arguments)
    if given.n is not None and given.n < 1:
        raise OptionError(f"--n {given.n}: ask for at least 1 picture")
    if not 0 <= given.seed < 2**63:
        raise OptionError(f"--seed {given.seed}: give a number from 0 to 2^63 - 1")
    if given.labels is not None and not all(part.strip() for part in given.labels.split(",")):
        raise OptionError(f"--labels {given.labels!r} has an empty place; write classes with commas between: 3,3,4")
    if given.labels is not None and given.all_classes:
        raise OptionError("--labels and --all-classes both say which classes to draw; give one of them")
    if given.out.suffix.lower() not in (*PICTURES, ".npy", "") and not given.out.is_dir():
        raise OptionError(f"--out {given.out}: give NAME.png, NAME.jpg, NAME.npy, or a folder's name without a dot")

    from zoo.generate.generator import load
    from zoo.generate.grid import columns_for, to_pixels
    from zoo.memory import enough_memory

    generator = load(given.run, step=given.step, averaged=not given.raw)
    with enough_memory("ask for fewer pictures: a lower --n"):
        if given.all_classes:
            columns = given.n or 8
            pixels = to_pixels(generator(None, given.seed, generator.every_class(columns)))
        else:
            names = None if given.labels is None else [part.strip() for part in given.labels.split(",")]
            count = given.n or (None if names else 64)
            pixels = to_pixels(generator(count, given.seed, names))
            columns = columns_for(len(pixels), 0 if names else len(generator.class_names))
        written = _write(pixels, given.out, columns)
    print(f"{len(pixels)} pictures of {generator.architecture}, step {generator.step}, seed {given.seed}: {written}")
    return 0


def _write(pixels: Pixels, out: Path, columns: int) -> Path:
    """Write the pictures in the form that the name of `out` asks for; returns what was written."""
    import numpy as np

    from zoo.generate.grid import grid, save, to_picture
    from zoo.run.files import replacing, writing

    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    suffix = "" if out.is_dir() else out.suffix.lower()
    if suffix == ".npy":
        with replacing(out) as temporary, temporary.open("wb") as file:
            np.save(file, pixels)
    elif suffix in PICTURES:
        save(grid(pixels, columns), out)
    else:
        with writing(out):
            out.mkdir(exist_ok=True)
        digits = max(4, len(str(len(pixels) - 1)))
        for index, image in enumerate(pixels):
            save(to_picture(image), out / f"{index:0{digits}d}.png")
    return out
