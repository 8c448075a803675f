"""``zoo interpolate RUN --seeds 3,17,21``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from zoo.cli.arguments import parse
from zoo.cli.drawing import check_classes, check_drawable, split_classes
from zoo.cli.importing import importing
from zoo.errors import OptionError
from zoo.generate.latent.numbers import describe_numbers, parse_numbers
from zoo.generate.pictures.output import FILMS, PICTURES, check_out, is_folder, make_folder, write_arrays
from zoo.generate.request import check_truncation, check_way

if TYPE_CHECKING:
    from torch import Tensor

STRIP, FILM = 9, 25
"""Pictures from one seed to the next, where it is not said how many."""

VISIBLE = 224
"""Pixels a side up to which the pictures of a film are enlarged."""


@dataclass
class Interpolate:
    """Draw the way from picture to picture: a strip (a row from each seed to the next) and a film."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    seeds: str
    """Seed numbers, as zoo sample --numbered shows them: 3,17,21. End with the first one for a film without a jump."""
    frames: int | None = None
    """Pictures from one seed to the next, both included; by default 9 in a strip and 25 in a film."""
    spherical: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go along an arc, as normal latents want it (their default)."""
    linear: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go along a straight line, as uniform latents want it (their default)."""
    labels: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """For a conditional run: the class to draw, by index or name, or one for each seed with commas between."""
    out: Path | None = None
    """.png, .jpg: a strip; .gif, .webp, .apng: a film; .npy: uint8 (frames, H, W, C); by default interpolation.png and .gif."""
    truncation: float | None = None
    """As for zoo sample: give it here too where the seeds were found with it."""
    step: int | None = None
    """The checkpoint of this step instead of the newest."""
    raw: bool = False
    """Draw with the weights themselves, not with their running average."""


def run(arguments: Sequence[str]) -> int:
    """Draw; returns the exit code."""
    given = parse(Interpolate, "interpolate", arguments)
    if given.spherical and given.linear:
        raise OptionError("--spherical and --linear both say which way to go; give one of them")
    check_truncation(given.truncation, name="--truncation")
    numbers = parse_numbers(given.seeds, "--seeds")
    check_way(len(numbers), STRIP if given.frames is None else given.frames, "--frames")
    check_classes(given.labels, "--class")
    places = [Path("interpolation.png"), Path("interpolation.gif")] if given.out is None else [given.out]
    for place in places:
        check_out(place, (*PICTURES, *FILMS, ".npy"))

    with importing():
        from zoo.plugins.load import load
        from zoo.system.memory import enough_memory

    generator = load(given.run, step=given.step, averaged=not given.raw)
    for place in places:
        check_drawable(generator.spec, place)
    labels = split_classes(given.labels, generator.class_names)
    spherical = given.spherical if given.spherical or given.linear else None
    with enough_memory("ask for fewer --frames"):
        for place in places:
            frames = given.frames or (FILM if place.suffix.lower() in FILMS else STRIP)
            images = generator.interpolate(numbers, frames, labels, spherical=spherical, truncation=given.truncation)
            _write(images, numbers, frames, place, generator.spec.points)
    written = " and ".join(map(str, places))
    print(f"seeds {describe_numbers(numbers)} of {generator.architecture}, step {generator.step}: {written}")
    return 0


def _write(images: Tensor, numbers: list[int], frames: int, out: Path, points: bool) -> None:
    """Write the way in the form that the name of `out` asks for."""
    from zoo.generate.pictures.animation import save_film
    from zoo.generate.pictures.folder import PictureFolder
    from zoo.generate.pictures.grid import as_numbers, save, shown, strip, to_picture, to_pixels

    make_folder(out.parent)
    pixels = to_pixels(images)
    if is_folder(out):
        digits = max(4, len(str(len(images) - 1)))
        with PictureFolder(out, keep=False) as folder:
            folder.write((f"{i:0{digits}d}", picture) for i, picture in enumerate(pixels))
        return
    suffix = out.suffix.lower()
    if suffix == ".npy":
        write_arrays(out, as_numbers(images, points))
    elif suffix in FILMS:
        times = [600 if index % (frames - 1) == 0 else 80 for index in range(len(pixels))]  # a rest at each seed
        save_film((to_picture(shown(image, VISIBLE)) for image in pixels), out, times)
    else:
        save(strip(pixels, frames, [str(number) for number in numbers]), out)
