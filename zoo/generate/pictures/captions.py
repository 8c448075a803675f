"""Words in pictures: numbers under images, signs between them."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

DARK, LIGHT = 24, 235
"""Levels of the frame and of what is written on it: easy to read beside black and beside white images."""

SIZE = 12
"""Height of a caption's letters, in pixels."""


@cache
def font(size: int = SIZE) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font."""
    return ImageFont.load_default(size)


def width(text: str, size: int = SIZE) -> int:
    """Pixels that a line of text takes."""
    left, _, right, _ = font(size).getbbox(text)
    return int(right - min(left, 0) + 0.5)


def height(size: int = SIZE) -> int:
    """Pixels that a line takes, with the room around it."""
    return size + size // 2


def write(picture: Image.Image, text: str, centre: tuple[float, float], size: int = SIZE) -> None:
    """Write a line with its middle at `centre` (x, y)."""
    fill = LIGHT if picture.mode == "L" else (LIGHT,) * 3
    ImageDraw.Draw(picture).text(centre, text, fill=fill, font=font(size), anchor="mm")


def sign(picture: Image.Image, text: str, centre: tuple[float, float], size: int) -> None:
    """Write a plus, minus or equals sign with its middle at `centre`, in strokes: Pillow's font has no minus but a hyphen."""
    x, y = centre
    half, thick = size / 3, max(1, size // 12)
    offsets = {"-": [(half, 0.0, 0.0)], "=": [(half, 0.0, -half / 2), (half, 0.0, half / 2)]}
    strokes = offsets.get(text, [(half, 0.0, 0.0), (0.0, half, 0.0)])
    fill = LIGHT if picture.mode == "L" else (LIGHT,) * 3
    for across, along, down in strokes:
        ends = [(round(x - across), round(y - along + down)), (round(x + across), round(y + along + down))]
        ImageDraw.Draw(picture).line(ends, fill=fill, width=thick)
