"""``zoo sample RUN``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from zoo.cli.arguments import parse
from zoo.cli.drawing import check_classes, check_drawable, split_classes
from zoo.cli.importing import importing
from zoo.errors import OptionError
from zoo.generate.latent.numbers import describe_numbers, parse_numbers
from zoo.generate.pictures.output import ARRAYS, PICTURES, check_out, is_folder, make_folder
from zoo.generate.request import (
    EACH,
    check_best_of,
    check_columns,
    check_count,
    check_seed,
    check_start,
    check_truncation,
)
from zoo.system.names import as_file_name

if TYPE_CHECKING:
    from zoo.generate.drawing import SampleStream
    from zoo.generate.generator import Generator
    from zoo.generate.pictures.grid import Pixels
    from zoo.generate.samples import Samples

SHEET = 64
"""Pictures that are drawn, where it is not said how many."""


@dataclass
class Sample:
    """Draw pictures with a trained generator: a grid (.png, .jpg), an array (.npy, .npz), or a folder of single pictures."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    out: Path = Path("samples.png")
    """NAME.png or NAME.jpg for a grid, NAME.npy for uint8 (n, H, W, C), .npz for that with labels, else a folder of PNG files. Of
    the last three there may be any number."""
    n: int | None = None
    """How many; by default 64, one for each of --labels, or 8 of each class with --all-classes."""
    seed: int | None = None
    """One seed for all of them together, by default 0: the same seed draws the same pictures."""
    start: int = 0
    """The number of the first picture, to draw more into the same folder: --n from there on. With --seeds, --best-of or
    --all-classes the same pictures without those before it."""
    seeds: str | None = None
    """Seed numbers, one for each picture: 3,17,21 or 0-63. A number draws the same picture whatever is drawn beside it."""
    numbered: bool = False
    """Write its seed number under each picture: of --seeds, or of 0 to --n - 1."""
    best_of: Annotated[int, tyro.conf.arg(metavar="K")] = 1
    """Draw K times as many, and keep those that D likes best, best first, class by class. Of --seeds, keep one in K."""
    truncation: float | None = None
    """Keep latents near the middle: normal ones within ± this number, drawn again beyond; uniform ones times it, up to 1."""
    labels: Annotated[str | None, tyro.conf.arg(aliases=("--class",))] = None
    """Classes to draw, by name or (where none is called by a number) by index, with commas between: 3,3,4. Repeated to make up
    --n."""
    all_classes: bool = False
    """One row for each class, of --n pictures; or, with --seeds or --numbered, of the same latents in every row."""
    columns: int | None = None
    """Pictures in a row of the grid; by default one for each class, or the square root of --n."""
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="best|last|N")] = None
    """The checkpoint: best, which --keep-best has kept, last, or that of a step; by default the newest."""
    step: int | None = None
    """The same by its step alone."""
    raw: bool = False
    """Draw with the weights themselves, not with their running average."""


def run(arguments: Sequence[str]) -> int:
    """Draw; returns the exit code."""
    given = parse(Sample, "sample", arguments)
    _check(given)
    numbers = _numbers(given)

    with importing():
        from zoo.plugins.load import load
        from zoo.system.memory import enough_memory

    generator = load(given.run, step=given.step, checkpoint=given.checkpoint, averaged=not given.raw)
    check_drawable(generator.spec, given.out)
    labels = split_classes(given.labels, generator.class_names)
    count = given.n
    if count is None and not labels and not given.all_classes:
        count = SHEET
    asked: dict[str, Any] = {
        "n": count if numbers is None else None,
        "seed": given.seed or 0,
        "labels": labels,
        "seeds": numbers,
        "best_of": given.best_of,
        "truncation": given.truncation,
        "all_classes": given.all_classes,
        "start": given.start,
    }
    with enough_memory("ask for fewer pictures: a lower --n"):
        drawn, seeds = _write(generator, asked, given, ["sample", *arguments])
    which = f"seed {given.seed or 0}" if seeds is None else f"seeds {describe_numbers(list(dict.fromkeys(seeds)))}"
    best = "" if given.best_of == 1 else f", the best of {given.best_of} times as many"
    what = "points" if generator.spec.points else "pictures"
    after = f", from number {given.start} on" if given.start else ""
    print(f"{drawn} {what} of {generator.architecture}, step {generator.step}, {which}{best}{after}: {given.out}")
    return 0


def _check(given: Sample) -> None:
    """Refuse what cannot be meant, before anything is loaded."""
    if given.n is not None:
        check_count(given.n, "--n")
    if given.columns is not None:
        check_columns(given.columns, "--columns")
    check_best_of(given.best_of, "--best-of")
    check_seed(given.seed or 0, "--seed")
    check_start(given.start, "--start")
    check_truncation(given.truncation, name="--truncation")
    check_classes(given.labels, "--labels")
    if given.labels and given.all_classes:
        raise OptionError("--labels and --all-classes both say which classes to draw; give one of them")
    check_out(
        given.out,
        (*PICTURES, *ARRAYS),
        empty=not given.start,
        remedy="a new name, or --start N to go on behind its last one",
    )


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
    first = given.start if _counted(given) else 0
    return parse_numbers(f"0-{first + each * given.best_of - 1}", "--numbered")


def _counted(given: Sample) -> bool:
    """Whether --n counts from --start on; else what is drawn is a list, from which --start leaves something out."""
    return given.seeds is None and given.best_of == 1 and not given.all_classes


def _write(
    generator: Generator, asked: Mapping[str, Any], given: Sample, words: Sequence[str]
) -> tuple[int, list[int] | None]:
    """Draw, and write in the form that the name of --out asks for; returns how many, and their seed numbers."""
    from zoo.generate.pictures.grid import save

    out = given.out
    if is_folder(out):
        stream = generator.stream(**asked)
        return len(stream), _write_folder(stream, given, words)
    if out.suffix.lower() in ARRAYS:
        stream = generator.stream(**asked)
        make_folder(out.parent)
        return len(stream), _write_array(stream, out, generator)
    samples = generator.sample(**asked)
    make_folder(out.parent)
    save(samples.grid(given.numbered, given.columns), out)
    return len(samples), None if samples.seeds is None else list(samples.seeds)


def _write_folder(stream: SampleStream, given: Sample, words: Sequence[str]) -> list[int] | None:
    from zoo.cli.counting import Counting
    from zoo.cli.going_on import keeping
    from zoo.generate.pictures.folder import PictureFolder, free_numbers

    first, last = stream.first, stream.first + len(stream)
    digits = free_numbers(given.out, first, last)
    seeds: list[int] = []
    place = first
    with (
        keeping(PictureFolder(given.out), first, last, words, _counted(given)) as folder,
        Counting("pictures", len(stream)) as counting,
    ):
        for part in stream:
            folder.write(_named(part, place, digits))
            place += len(part)
            seeds += part.seeds or ()
            counting.reach(folder.done)
    return seeds or None


def _write_array(stream: SampleStream, out: Path, generator: Generator) -> list[int] | None:
    import numpy as np

    from zoo.cli.counting import Counting
    from zoo.cli.stopping import stopping_by_signals
    from zoo.generate.pictures.grid import as_numbers
    from zoo.generate.pictures.output import write_rows

    labels: list[Any] = []
    seeds: list[int] = []
    more: dict[str, Any] = {}

    def parts() -> Iterator[Any]:
        done = 0
        with Counting("pictures", len(stream)) as counting:
            for part in stream:
                if part.labels is not None:
                    labels.append(part.labels.numpy())
                seeds.extend(part.seeds or ())
                yield as_numbers(part.images, part.points)
                done += len(part)
                counting.reach(done)
        if labels:
            more["labels"] = np.concatenate(labels)
            more["class_names"] = np.array(generator.class_names)
        if seeds:
            more["seeds"] = np.array(seeds, np.int64)

    with stopping_by_signals():
        write_rows(out, len(stream), parts(), more)
    return seeds or None


def _named(samples: Samples, first: int, digits: int) -> Iterator[tuple[str, Pixels]]:
    """Each picture with its file's name: its number, and where it has them its seed number and the name of its class."""
    from zoo.generate.pictures.grid import to_pixels

    labels = None if samples.labels is None else [as_file_name(samples.class_names[label]) for label in samples.labels]
    for index, pixels in enumerate(to_pixels(samples.images)):
        name = f"{first + index:0{digits}d}"
        if samples.seeds is not None:
            name += f"-seed-{samples.seeds[index]}"
        if labels is not None:
            name += f"-class-{labels[index]}"
        yield name, pixels
