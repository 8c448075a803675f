"""The pictures of a run as parts of a page: as they are where they are small enough, else as JPEG, smaller until they are."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from zoo.data.formats.picture import open_png
from zoo.errors import DataError
from zoo.report.guard import Guard
from zoo.report.markup import Markup
from zoo.run.copies import find_copies
from zoo.run.run import Run
from zoo.system.reading import read_plain

MOST = 24
"""Grids that the slider goes through."""

_NAME = re.compile(r"step-(\d{1,18})\.png")
_LADDER = ((1200, 88), (900, 80), (640, 72), (480, 60), (320, 50))
"""Pixels of the longer side at most, and the quality, to be tried in turn."""
_PIXELS = 60_000_000  # that are decoded for one page and run: some seconds' worth
_LEAST = 20_000  # bytes of a frame below which fewer frames say more


@dataclass(frozen=True)
class Picture:
    """A picture within the page."""

    source: Markup
    """The data: URL, which has no letter that would have to be escaped."""
    width: int
    height: int
    size: int
    """Letters of the URL."""
    step: int | None = None


@contextmanager
def _reading_png() -> Iterator[None]:
    """Within it a file that is no picture is called that: Pillow names an object of Python."""
    try:
        yield
    except UnidentifiedImageError:
        raise DataError("it is no PNG picture, or its beginning is damaged") from None


def frames(run: Run, guard: Guard, room: int) -> list[Picture]:
    """Grids of a run over its steps, evenly from the first to the last, of up to `room` letters together."""
    paths = guard.read("pictures", lambda: run.samples, (), "samples")
    named = {path: int(found[1]) for path in paths if (found := _NAME.fullmatch(path.name))}
    chosen = _evenly(list(named), min(MOST, max(1, room // _LEAST)))
    if chosen and (pixels := _pixels(guard, chosen[-1])):
        chosen = _evenly(chosen, max(2, _PIXELS // pixels))
    whole = [path for path in chosen if _pixels(guard, path)]
    return [
        Picture(each.source, each.width, each.height, each.size, named[path])
        for path, each in zip(whole, _fitting(guard, whole, room), strict=True)
        if each is not None
    ]


def copies(run: Run, guard: Guard, room: int) -> Picture | None:
    """The picture of the closest pairs; None where no evaluation has left one in the run's folder."""
    path, step = find_copies(run.path) or (None, None)
    if path is None or not path.is_file() or not _pixels(guard, path):
        return None
    picture = _fitting(guard, [path], room)[0]
    return None if picture is None else replace(picture, step=step)


def _evenly(paths: Sequence[Path], most: int) -> list[Path]:
    """Up to so many, from first to last."""
    if len(paths) <= most:
        return list(paths)
    if most == 1:
        return [paths[-1]]
    return [paths[place * (len(paths) - 1) // (most - 1)] for place in range(most)]


def _pixels(guard: Guard, path: Path) -> int:
    """How many a picture has, by its head; 0, and a line, for one that cannot be shown."""

    def head() -> int:
        with _reading_png(), open_png(path) as image:
            if image.width * image.height > _PIXELS:
                raise ValueError(f"{image.width}×{image.height} pixels are too many")
            return image.width * image.height

    place = path.relative_to(guard.home)
    return guard.read(str(place), head, 0, str(place))


def _fitting(guard: Guard, paths: Sequence[Path], room: int) -> list[Picture | None]:
    """These pictures in so much room together; None in the place of one that is damaged."""
    if sum(path.stat().st_size for path in paths) * 4 // 3 < room:
        found = [guard.read(str(path.relative_to(guard.home)), partial(_as_it_is, path), None) for path in paths]
        if sum(each.size for each in found if each) <= room:
            return found
    some = _evenly(paths, 3)
    for side, quality in _LADDER:
        tried = {path: _tried(guard, path, side, quality) for path in some}
        sizes = [each.size for each in tried.values() if each]
        if sizes and sum(sizes) / len(sizes) * len(paths) > room:
            continue  # three say enough of the rest
        found = [tried[path] if path in tried else _tried(guard, path, side, quality) for path in paths]
        if sum(each.size for each in found if each) <= room:
            return found
    guard.leave_out("pictures: they are too large for a page")
    return [None] * len(paths)


def _tried(guard: Guard, path: Path, side: int, quality: int) -> Picture | None:
    return guard.read(str(path.relative_to(guard.home)), partial(_smaller, path, side, quality), None)


def _as_it_is(path: Path) -> Picture:
    """The file itself, when all of it has been seen to be a picture."""
    content = read_plain(path)
    with _reading_png(), Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        width, height = image.size
        image.load()
    return _picture(content, "png", width, height)


def _smaller(path: Path, side: int, quality: int) -> Picture:
    with _reading_png(), open_png(path) as image:
        image.load()
        picture = image if image.mode == "L" else image.convert("RGB")
    if max(picture.size) > side:
        picture.thumbnail((side, side), reducing_gap=2.0)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return _picture(file.getvalue(), "jpeg", *picture.size)


def _picture(content: bytes, kind: str, width: int, height: int) -> Picture:
    source = Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")
    return Picture(source, width, height, len(source))
