"""Chooses which images a network is built for: channels, height, width, classes."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.architecture import Architecture
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError, OptionError
from zoo.options import Options
from zoo.options.size import Size, sides

USUAL = 64
"""The size for pictures of many sizes and for larger ones: what the DCGAN family was published with, on a CPU and on a GPU."""


def choose_spec(architecture: Architecture, options: Options, source: DataSource) -> DataSpec:
    """The geometry for this architecture, these options and this data.

    The data's own size is kept where the networks can be built for it; else the nearest size that they can. Images larger than
    `USUAL` become that. Raises OptionError for a --size that does not work, DataError for data that this architecture cannot use.
    """
    if architecture.conditional and source.classes < 2:
        if source.points:
            raise DataError(
                f"{architecture.name} learns from labelled data, and {source.title} is points without classes; "
                f"an architecture without labels takes them: zoo train vanilla --data {options.data}"
            )
        why = f" ({source.why_unlabelled})" if source.why_unlabelled else ""
        raise DataError(
            f"{architecture.name} learns from labelled images, and {source.title} has no labels{why}; "
            "put the images of each class in a subfolder of its own, or give data that comes with labels"
        )
    if source.points:
        return _points(architecture, options, source)
    height, width = _size(architecture, options, source)
    return DataSpec(options.channels or source.channels, height, width, source.classes)


def _points(architecture: Architecture, options: Options, source: DataSource) -> DataSpec:
    """The geometry of points, which are not to be resized or mirrored."""
    sizes = architecture.sizes(options)
    if sizes is not None:
        raise DataError(
            f"{architecture.name} works on images, of {describe_sizes(sizes)}; {source.title} is points of "
            f"{source.width} coordinates; {_way_out(architecture, options, source)}"
        )
    asked = {"size": options.size, "channels": options.channels, "flip": options.flip, "fit": options.fit != "crop"}
    for name, given in asked.items():
        if given:
            raise OptionError(f"--{name} is for images; {source.title} is points; leave it out")
    return points_spec(source)


def _way_out(architecture: Architecture, options: Options, source: DataSource) -> str:
    """What to do with points that the options in force have no networks for."""
    suited = architecture.preset_for(points_spec(source))
    if suited not in (None, architecture.default_preset):  # one of its own is meant for them
        return f"the preset for them: zoo train {architecture.name} --preset {suited} --data {options.data}"
    return f"give it images, or take dense networks: zoo train vanilla --data {options.data}"


def points_spec(source: DataSource) -> DataSpec:
    """The geometry of a source of points, which no option changes."""
    return DataSpec(1, 1, source.width or 1, source.classes, points=True)


def _size(architecture: Architecture, options: Options, source: DataSource) -> tuple[int, int]:
    """Height and width. Data that is no squares becomes squares unless --size says otherwise or the networks take any shape."""
    sizes = architecture.sizes(options)
    if options.size is not None:
        width, height = sides(options.size)
        if sizes is not None:
            _check_size(architecture, options.size, sizes)
        return height, width
    if source.height is None or source.width is None or is_large(source):
        own = USUAL, USUAL
    else:
        own = source.height, source.width
    if sizes is None or (own[0] == own[1] and own[0] in sizes):
        return own
    nearest = nearest_size(min(own), sizes)
    return nearest, nearest


def _check_size(architecture: Architecture, size: int | Size, sizes: Sequence[int]) -> None:
    """Raise OptionError for a size that the networks cannot be built for."""
    name, (width, height) = architecture.name, sides(size)
    if width != height and not architecture.rectangles:
        nearest = nearest_size(min(width, height), sizes)
        raise OptionError(
            f"--size {size}: {name} works for squares alone (it does not say rectangles = True); give one number, --size {nearest}"
        )
    if width not in sizes or height not in sizes:
        each = "" if width == height else "sides of "
        raise OptionError(
            f"--size {size}: {name} works for {each}{describe_sizes(sizes)} with these options (zoo info {name})"
        )


def nearest_size(side: int, sizes: Sequence[int]) -> int:
    """The one of the sizes that is nearest to a side."""
    return min(sizes, key=lambda size: abs(size - side))


def is_large(source: DataSource) -> bool:
    """Whether all of its images are larger than `USUAL`, both ways."""
    return source.height is not None and source.width is not None and min(source.height, source.width) > USUAL


def describe_sizes(sizes: Sequence[int]) -> str:
    """Image sizes in words: "every size from 8 to 256", "every multiple of 4 from 8 to 256", "the sizes 32, 64", "the size 64"."""
    if isinstance(sizes, range) and sizes.step == 1:
        return f"every size from {sizes.start} to {sizes.stop - 1}"
    if isinstance(sizes, range) and len(sizes) > 2 and sizes.start % sizes.step == 0:
        return f"every multiple of {sizes.step} from {sizes.start} to {sizes[-1]}"
    return f"the size{'s' if len(sizes) > 1 else ''} " + ", ".join(map(str, sorted(sizes)))
