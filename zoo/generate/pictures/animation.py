"""Films: pictures over time, as an animated GIF, WebP or PNG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image, features

from zoo.data.formats.picture import GRID, open_png
from zoo.errors import RunError
from zoo.generate.pictures.grid import check_sides
from zoo.generate.pictures.marks import mark
from zoo.run.files import replacing

FRAMES = 60
"""Frames at most of the film of a run; a longer run shows every second grid, or every third, …"""

KINDS = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
"""The format that a film is written in, by its suffix."""


def animate(pictures: Sequence[Path], path: Path, milliseconds: int = 150, rest: int = 2500) -> None:
    """Write pictures of one size as a film that repeats: `milliseconds` each, `rest` for the last.

    One picture is read at a time; one that is damaged is left out. Fewer than two make no film: nothing is written then.
    Raises RunError where the file cannot be written.
    """
    pictures = [picture for picture in pictures if _readable(picture)]
    stride = -(-len(pictures) // FRAMES)
    chosen = [*pictures[:-1:stride], *pictures[-1:]] if stride else []
    if len(chosen) < 2:
        return
    save_film(_read(chosen), path, [milliseconds] * (len(chosen) - 1) + [rest])


def save_film(pictures: Iterable[Image.Image], path: Path, milliseconds: Sequence[int]) -> None:
    """Write pictures (of one size, grey or RGB) as a film that repeats, each shown for so long; the suffix is one of KINDS.

    A GIF's colours are the 256 that suit each picture best; the other two formats keep every one. Raises RunError where
    the file cannot be written.
    """
    kind = KINDS[path.suffix.lower()]
    if kind == "WEBP" and not features.check("webp"):
        raise RunError(f"cannot write {path}: this Pillow was built without WebP; write .gif or .apng")
    frames = map(_few_colours, pictures) if kind == "GIF" else iter(pictures)
    first = next(frames)
    check_sides(first, kind, path)
    rest = frames if kind == "GIF" else list(frames)  # only GIF's writer goes through them once
    how: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    with replacing(path) as temporary:
        first.save(
            temporary,
            format=kind,
            save_all=True,
            append_images=rest,
            duration=list(milliseconds),
            loop=0,
            **how,
            **mark(GRID, kind),
        )


def _few_colours(picture: Image.Image) -> Image.Image:
    return picture if picture.mode == "L" else picture.convert("P", palette=Image.Palette.ADAPTIVE)


def _readable(picture: Path) -> bool:
    try:
        with open_png(picture) as image:
            image.verify()
    except Exception:  # what Pillow raises for a file that is cut off, or no picture: there are many kinds
        return False
    return True


def _read(pictures: Sequence[Path]) -> Iterator[Image.Image]:
    for picture in pictures:
        with open_png(picture) as image:
            image.load()
            yield image if image.mode == "L" else image.convert("RGB")
