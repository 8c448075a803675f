"""The size of images as people give it: one number for a square, ``64x48`` for a rectangle."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import PlainSerializer, PlainValidator

SMALLEST, LARGEST = 4, 4096
"""Pixels a side that can be asked for."""

FITS = f"give one number for squares, or WIDTHxHEIGHT (64x48), each from {SMALLEST} to {LARGEST} pixels"


class Size(NamedTuple):
    """A rectangle in pixels, width first, as files, screens and ``zoo`` itself name it: 64x48 is wider than it is high."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def read_size(given: object) -> int | Size:
    """What was given for a size: 64, "64", "64x48", (64, 48) or [64, 48]. A square is one number. Raises ValueError."""
    if isinstance(given, str):
        found = re.fullmatch(r"(\d{1,6})(?:[xX×](\d{1,6}))?", given.replace(" ", ""), re.ASCII)
        sides: Any = [int(side) for side in found.groups() if side is not None] if found else []
    else:
        sides = list(given) if isinstance(given, list | tuple) else [given]
    if len(sides) not in (1, 2) or not all(_is_side(side) for side in sides):
        raise ValueError(FITS)
    width, height = int(sides[0]), int(sides[-1])
    return width if width == height else Size(width, height)


def _is_side(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and given in range(SMALLEST, LARGEST + 1)


def sides(size: int | Size) -> tuple[int, int]:
    """Width and height of a size."""
    return (size, size) if isinstance(size, int) else (size.width, size.height)


def _plain(size: int | Size) -> int | str:
    return size if isinstance(size, int) else str(size)


Sides = Annotated[int | Size, PlainValidator(read_size), PlainSerializer(_plain, when_used="json")]
"""An option that is a size. In JSON a square is a number, as it was before there were rectangles, and a rectangle a text."""
