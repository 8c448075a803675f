"""``zoo data export DATA --out DIR``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro
from pydantic import ValidationError

from zoo.cli.arguments import parse
from zoo.data.class_names import ordered
from zoo.data.images import Fit
from zoo.data.reading import Reading
from zoo.data.registry import open_source
from zoo.data.spec import DataSpec
from zoo.engine.geometry import USUAL
from zoo.errors import OptionError
from zoo.generate.pictures.output import ARRAYS, check_out, is_folder, make_folder
from zoo.generate.request import check_start
from zoo.options.data import DataOptions
from zoo.options.size import sides
from zoo.plugins.registry import registry
from zoo.system.names import as_file_name, printable

if TYPE_CHECKING:
    from zoo.data.store import ImageStore

BATCH = 64
RELEASE = 64
"""Batches after which what was read of the store leaves memory."""


@dataclass
class Data:
    """Write images as zoo prepares them for training, for other tools: a folder of PNG files, class by class, or an array."""

    what: tyro.conf.Positional[Literal["export"]]
    """export."""
    data: tyro.conf.Positional[str]
    """What zoo train takes behind --data: a folder, a file, or the name of a kind of data."""
    out: Path
    """A folder of PNG files, in one subfolder for each class; NAME.npz: images, labels and the names of the classes; NAME.npy: the
    images, and beside it NAME-labels.npy. --data reads all three back."""
    size: str | None = None
    """Pixels: 64 for squares, 64x48 (WIDTHxHEIGHT) for rectangles; by default the images' own, and 64 where they differ."""
    channels: Literal[1, 3, 4] | None = None
    """1: grey, 3: colour, 4: colour with transparency; by default grey or colour, as the images are."""
    split: str | None = None
    """Which part of data that comes in splits: train (the default where there are any), val, test, or all."""
    levels: str | None = None
    """Values that become black and white: LO,HI in the numbers of the files, or auto: the lowest and the highest of them."""
    background: str = "white"
    """The colour below what is transparent: a name, or #rrggbb."""
    fit: Fit = "crop"
    """How an image of another aspect fills its place: its middle does (crop), or all of it, squeezed (stretch)."""
    strict: bool = False
    """Stop at the first image that cannot be read, instead of leaving it out."""
    start: int = 0
    """The number of the first image, to go on where an earlier export ended."""


def run(arguments: Sequence[str]) -> int:
    """Write; returns the exit code."""
    given = parse(Data, "data", arguments)
    options = _options(given)
    check_start(given.start, "--start")
    check_out(given.out, ARRAYS, empty=not given.start)
    _refuse_filled(given)
    source = open_source(given.data, registry().sources_for(given.data), Reading.of(options))
    _refuse_inside(given.out, source.opened_as)
    if source.points and is_folder(given.out):
        raise OptionError(f"--out {given.out}: {source.title} is points, not pictures; give NAME.npy")
    width, height = sides(options.size) if options.size else (source.width or USUAL, source.height or USUAL)
    channels = given.channels or source.channels
    spec = DataSpec(channels, height, width, source.classes, source.points)

    from zoo.cli.counting import Counting
    from zoo.data.store import prepare

    with Counting("prepared", len(source)) as counting:
        store = prepare(source, spec, fit=given.fit, strict=given.strict, progress=lambda done, _: counting.reach(done))
    if given.start >= len(store):
        raise OptionError(f"--start {given.start}: there are {len(store):,} images, 0 to {len(store) - 1}")
    for note in store.notes:
        print(printable(note, lines=True), file=sys.stderr)
    if is_folder(given.out):
        _write_folder(store, given, ["data", *arguments])
    else:
        _write_array(store, given.out, given.start)
    names = f", {len(store.class_names)} classes" if store.class_names else ""
    print(f"{len(store) - given.start:,} {spec.kind}{names}, of {source.title}: {given.out}")
    return 0


def _options(given: Data) -> DataOptions:
    """What is given, held against what the options of a training may be."""
    values = {name: getattr(given, name) for name in ("size", "channels", "fit", "split", "levels", "background")}
    try:
        return DataOptions(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        raise OptionError(f"--{problem['loc'][0]} {problem['input']}: {message}") from None


def _refuse_filled(given: Data) -> None:
    """Raise OptionError where the classes of another export would be mixed with those of this one."""
    if not given.start and given.out.is_dir() and (found := next(given.out.glob("*/*.png"), None)):
        raise OptionError(
            f"--out {given.out}: there are pictures already, as {found}; give an empty folder, or a new name"
        )


def _refuse_inside(out: Path, opened_as: str) -> None:
    """Raise OptionError where what is written would be data itself."""
    for place in filter(os.path.isdir, (opened_as, opened_as.partition(":")[2])):
        if out.absolute().resolve().is_relative_to(Path(place).resolve()):
            raise OptionError(f"--out {out} lies in the data, {place}, and would be part of it; give another place")


def _parts(store: ImageStore, start: int) -> Iterator[tuple[int, Any]]:
    """Some images at a time with the place of the first, in memory that does not grow with their number."""
    from zoo.cli.counting import Counting
    from zoo.data.transparency import straight

    with Counting("written", len(store) - start) as counting:
        for number, place in enumerate(range(start, len(store), BATCH)):
            yield place, straight(store.images[place : place + BATCH])
            counting.reach(place - start)
            if number % RELEASE == RELEASE - 1:
                store.release()


def _write_folder(store: ImageStore, given: Data, words: Sequence[str]) -> None:
    from zoo.cli.going_on import keeping
    from zoo.generate.pictures.folder import PictureFolder, free_numbers

    folders = [as_file_name(name) for name in store.class_names]
    digits = max([4, *(free_numbers(given.out / each, given.start, len(store)) for each in ("", *folders))])
    for folder in folders:
        make_folder(given.out / folder)
    labels = store.labels
    with keeping(PictureFolder(given.out, comment=""), given.start, len(store), words, counted=False) as written:
        for start, images in _parts(store, given.start):
            written.write(
                (f"{'' if labels is None else folders[labels[place]] + '/'}{place:0{digits}d}", image)
                for place, image in enumerate(images, start)
            )
    present = [] if labels is None else [store.class_names[label] for label in sorted(set(labels.tolist()))]
    if store.class_names and (
        ordered(present) != store.class_names or folders != store.class_names or len(present) < 2
    ):
        print(
            "as folders the classes are read back in another order, under other names or without those that have no image; "
            "--out NAME.npz keeps all of it",
            file=sys.stderr,
        )


def _write_array(store: ImageStore, out: Path, start: int) -> None:
    import numpy as np

    from zoo.cli.stopping import stopping_by_signals
    from zoo.generate.pictures.output import write_arrays, write_rows

    more = {}
    names = np.array(store.class_names)
    labels = None if store.labels is None else store.labels[start:]
    if labels is not None:
        more = {"labels": labels, "class_names": names}
    flat = (len(store), -1) if store.spec.points else store.images.shape
    with stopping_by_signals():
        make_folder(out.parent)
        parts = (images.reshape(len(images), *flat[1:]) for _, images in _parts(store, start))
        write_rows(out, len(store) - start, parts, more)
        if labels is not None and out.suffix.lower() == ".npy":
            write_arrays(out.with_name(f"{out.stem}-labels.npy"), names[labels])
