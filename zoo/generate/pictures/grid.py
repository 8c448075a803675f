"""Pictures: single images, and grids of them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.formats.picture import GRID
from zoo.errors import RunError
from zoo.generate.pictures import captions as words
from zoo.generate.pictures.checkerboard import over_checkerboard
from zoo.generate.pictures.marks import mark
from zoo.generate.request import check_columns
from zoo.run.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]

GAP = 2
"""Pixels between the images of a grid."""

VISIBLE = 56
"""Pixels a side up to which small images are enlarged."""

WIDEST = 1600
"""Pixels a side up to which a picture is shown as it is."""

LARGEST = {"JPEG": 65_500, "GIF": 65_535, "WEBP": 16_383, "PNG": 2**31 - 1}
"""Pixels a side that a format can hold."""


def to_pixels(images: Tensor) -> Pixels:
    """Images (n, C, H, W) in [-1, 1] as uint8 (n, H, W, C), rounded to the nearest level."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round()
    return np.asarray(scaled.byte().permute(0, 2, 3, 1).cpu().numpy())


def as_numbers(images: Tensor, points: bool = False) -> npt.NDArray[Any]:
    """What .npy files hold: of images uint8 (n, H, W, C), of points (n, 1, 1, d) the coordinates, float32 (n, d)."""
    return np.asarray(images.float().flatten(1).cpu()) if points else to_pixels(images)


def to_picture(pixels: Pixels) -> Image.Image:
    """One image (H, W, C), C in 1, 3, 4, as a Pillow image of mode L, RGB or RGBA."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def to_pictures(images: Tensor) -> list[Image.Image]:
    """Images (n, C, H, W) in [-1, 1], C in 1, 3, 4, as Pillow images, each of its own size."""
    return [to_picture(pixels) for pixels in to_pixels(images)]


def columns_for(count: int, classes: int = 0) -> int:
    """How wide a grid of `count` images is: a column for each class where there are few enough, up to three in a row,
    else ⌊√count⌋."""
    if 1 < classes <= min(count, 20):
        return classes
    return math.isqrt(count) if count > 3 else max(1, count)


def enlarge(image: Pixels, visible: int = VISIBLE) -> Pixels:
    """One image (H, W, C), enlarged by the whole factor that brings it to at most `visible` pixels a side, if any does."""
    factor = max(1, visible // max(image.shape[:2]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def shown(image: Pixels, visible: int = VISIBLE) -> Pixels:
    """One image (H, W, C) as people look at it, (H, W, 1 or 3): enlarged, and over a checkerboard where it is transparent."""
    return over_checkerboard(enlarge(image, visible))


def grid(
    pixels: Pixels, columns: int, gap: int = GAP, captions: Sequence[str] = (), visible: int = VISIBLE
) -> Image.Image:
    """uint8 (n, H, W, C) as one picture, row by row, small images enlarged by a whole factor so that they can be seen,
    transparent ones over a checkerboard.

    `columns`: at most; fewer images make a row of their own length. `captions`: a line under each image, or none at all. A
    last row that is not full ends in the colour of the frame. Raises OptionError for fewer than one column.
    """
    check_columns(columns)
    columns = min(columns, len(pixels))
    height, width, channels = shown(pixels[0], visible).shape
    band = words.height() if captions else 0
    cell = max([width, *(words.width(caption) + 4 for caption in captions)])
    rows = -(-len(pixels) // columns)
    shape = (rows * (height + band + gap) + gap, columns * (cell + gap) + gap, channels)
    canvas = np.full(shape, words.DARK, np.uint8)  # a dark frame, so that the edge of a black image shows
    places = [
        (gap + index // columns * (height + band + gap), gap + index % columns * (cell + gap))
        for index in range(len(pixels))
    ]
    for (top, left), image in zip(places, pixels, strict=True):
        start = left + (cell - width) // 2
        canvas[top : top + height, start : start + width] = shown(image, visible)
    picture = to_picture(canvas)
    picture.info["comment"] = GRID  # which `save` writes into the file
    if captions:
        for (top, left), caption in zip(places, captions, strict=True):
            words.write(picture, caption, (left + cell / 2, top + height + band / 2))
    return picture


def strip(pixels: Pixels, frames: int, ends: Sequence[str] = ()) -> Image.Image:
    """The way through k latents, uint8 ((k - 1) · (frames - 1) + 1, H, W, C), as one picture: a row from each to the next.

    Every row begins with what the one above ends with; `ends`: k captions.
    """
    starts = range(0, len(pixels) - 1, frames - 1)
    order = [start + step for start in starts for step in range(frames)]
    captions = [ends[place // (frames - 1)] if ends and place % (frames - 1) == 0 else "" for place in order]
    return grid(pixels[order], frames, captions=captions if ends else ())


def to_png(picture: Image.Image, side: int = WIDEST) -> bytes:
    """A picture as the bytes of a PNG file, made smaller where it has more than `side` pixels a side."""
    if max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return file.getvalue()


def make_grid(images: Tensor, columns: int | None = None, captions: Sequence[str] = ()) -> Image.Image:
    """Images (n, C, H, W) in [-1, 1], C in 1, 3, 4, as one Pillow image: `columns` wide (by default as
    `columns_for` says), a caption under each or none."""
    return grid(to_pixels(images), columns_for(len(images)) if columns is None else columns, captions=captions)


def save_grid(images: Tensor, path: Path, columns: int) -> None:
    """Write images (n, C, H, W) in [-1, 1] as one picture; the suffix says which format. Raises RunError."""
    save(grid(to_pixels(images), columns), path)


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture, whole or not at all; the suffix says which format. Raises RunError where that fails.

    In a JPEG, which has no transparency, that is over white.
    """
    kind = _format_of(path)
    check_sides(picture, kind, path)
    if kind == "JPEG" and picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    with replacing(path) as temporary:
        comment = mark(GRID, kind) if picture.info.get("comment") == GRID else {}
        picture.save(temporary, format=kind, **({"quality": 95} if kind == "JPEG" else {}), **comment)


def _format_of(path: Path) -> str:
    """Pillow's name of the format that a suffix means. The usual ones are known without loading all of Pillow's plugins."""
    Image.preinit()
    suffix = path.suffix.lower()
    return Image.EXTENSION.get(suffix) or Image.registered_extensions()[suffix]


def check_sides(picture: Image.Image, kind: str, path: Path) -> None:
    """Raise RunError for a picture that is larger than its format can hold."""
    if max(picture.size) > LARGEST[kind]:
        raise RunError(
            f"cannot write {path}: the picture is {picture.width}×{picture.height} pixels, and {kind} holds at most "
            f"{LARGEST[kind]} a side; write a PNG, or fewer pictures"
        )
