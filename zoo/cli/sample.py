"""``zoo sample RUN``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from zoo.cli.arguments import parse
from zoo.cli.drawing import check_drawable, split_classes
from zoo.cli.importing import importing
from zoo.errors import OptionError
from zoo.generate.latent.numbers import describe_numbers, parse_numbers
from zoo.generate.pictures.output import ARRAYS, PICTURES, check_out, is_folder, make_folder, write_arrays, write_folder
from zoo.generate.request import EACH, check_best_of, check_columns, check_count, check_seed, check_truncation

if TYPE_CHECKING:
    from PIL import Image

    from zoo.generate.samples import Samples

SHEET = 64
"""Pictures that are drawn, where it is not said how many."""


@dataclass
class Sample:
    """Draw pictures with a trained generator: a grid (.png, .jpg), an array (.npy, .npz), or a folder of single pictures."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    out: Path = Path("samples.png")
    """NAME.png or NAME.jpg for a grid, NAME.npy for uint8 (n, H, W, C), .npz for that with labels, else a folder of PNG files."""
    n: int | None = None
    """How many; by default 64, one for each of --labels, or 8 of each class with --all-classes."""
    seed: int | None = None
    """One seed for all of them together, by default 0: the same seed draws the same pictures."""
    seeds: str | None = None
    """Seed numbers, one for each picture: 3,17,21 or 0-63. A number draws the same picture whatever is drawn beside it."""
    numbered: bool = False
    """Write its seed number under each picture: of --seeds, or of 0 to --n - 1."""
    best_of: Annotated[int, tyro.conf.arg(metavar="K")] = 1
    """Draw K times as many, and keep those that D likes best, best first, class by class. Of --seeds, keep one in K."""
    truncation: float | None = None
    """Keep latents near the middle: normal ones within ± this number, drawn again beyond; uniform ones times it, up to 1."""
    labels: Annotated[str | None, tyro.conf.arg(aliases=("--class",))] = None
    """Classes to draw, as indices or names with commas between: 3,3,4. Repeated to make up --n."""
    all_classes: bool = False
    """One row for each class, of --n pictures; or, with --seeds or --numbered, of the same latents in every row."""
    columns: int | None = None
    """Pictures in a row of the grid; by default one for each class, or the square root of --n."""
    step: int | None = None
    """The checkpoint of this step instead of the newest."""
    raw: bool = False
    """Draw with the weights themselves, not with their running average."""


def run(arguments: Sequence[str]) -> int:
    """Draw; returns the exit code."""
    given = parse(Sample, "sample", arguments)
    labels = _check(given)
    numbers = _numbers(given)

    with importing():
        from zoo.plugins.load import load
        from zoo.system.memory import enough_memory

    generator = load(given.run, step=given.step, averaged=not given.raw)
    check_drawable(generator.spec, given.out)
    count = given.n
    if count is None and not labels and not given.all_classes:
        count = SHEET
    with enough_memory("ask for fewer pictures: a lower --n"):
        samples = generator.sample(
            count if numbers is None else None,
            given.seed or 0,
            labels,
            seeds=numbers,
            best_of=given.best_of,
            truncation=given.truncation,
            all_classes=given.all_classes,
        )
        _write(samples, given.out, given.numbered, given.columns, generator.spec.points)
    which = (
        f"seed {given.seed or 0}"
        if samples.seeds is None
        else f"seeds {describe_numbers(list(dict.fromkeys(samples.seeds)))}"
    )
    best = "" if given.best_of == 1 else f", the best of {given.best_of} times as many"
    what = "points" if generator.spec.points else "pictures"
    print(f"{len(samples)} {what} of {generator.architecture}, step {generator.step}, {which}{best}: {given.out}")
    return 0


def _check(given: Sample) -> list[str] | None:
    """Refuse what cannot be meant, before anything is loaded; returns the labels."""
    if given.n is not None:
        check_count(given.n, "--n")
    if given.columns is not None:
        check_columns(given.columns, "--columns")
    check_best_of(given.best_of, "--best-of")
    check_seed(given.seed or 0, "--seed")
    check_truncation(given.truncation, name="--truncation")
    labels = split_classes(given.labels, "--labels")
    if labels and given.all_classes:
        raise OptionError("--labels and --all-classes both say which classes to draw; give one of them")
    check_out(given.out, (*PICTURES, *ARRAYS))
    return labels


def _numbers(given: Sample) -> list[int] | None:
    """The seed numbers that are asked for; None where one seed draws all."""
    if given.seeds is None and not given.numbered:
        return None
    if given.seed is not None:
        raise OptionError(
            f"--seed {given.seed} draws all pictures together, and they have no numbers of their own; "
            "give --seeds, as in --seeds 0-63"
        )
    if given.seeds is not None:
        if given.n is not None:
            raise OptionError("--n and --seeds both say how many pictures to draw; give one of them")
        return parse_numbers(given.seeds, "--seeds")
    each = given.n or (EACH if given.all_classes else SHEET)
    return parse_numbers(f"0-{each * given.best_of - 1}", "--numbered")


def _write(samples: Samples, out: Path, numbered: bool, columns: int | None, points: bool) -> None:
    """Write the pictures in the form that the name of `out` asks for."""
    import numpy as np

    from zoo.generate.pictures.grid import as_numbers, save

    make_folder(out.parent)
    if is_folder(out):
        write_folder(_named(samples), out)
    elif out.suffix.lower() in ARRAYS:
        labels = None if samples.labels is None else samples.labels.numpy()
        seeds = None if samples.seeds is None else np.array(samples.seeds, np.int64)
        write_arrays(out, as_numbers(samples.images, points), labels=labels, seeds=seeds)
    else:
        save(samples.grid(numbered, columns), out)


def _named(samples: Samples) -> Iterator[tuple[str, Image.Image]]:
    """Each picture with its file's name: its place, and where it has them its seed number and its class."""
    digits = max(4, len(str(len(samples) - 1)))
    for index, picture in enumerate(samples.pictures()):
        name = f"{index:0{digits}d}"
        if samples.seeds is not None:
            name += f"-seed-{samples.seeds[index]}"
            if samples.labels is not None:
                name += f"-class-{int(samples.labels[index])}"
        yield name, picture
