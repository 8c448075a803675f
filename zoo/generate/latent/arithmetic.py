"""Arithmetic on latents, and the picture that explains it (after Radford et al. 2015, figure 7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.errors import OptionError
from zoo.generate.latent.expression import Expression
from zoo.generate.pictures import captions as words
from zoo.generate.pictures.grid import Pixels, grid, shown, to_picture, to_pixels
from zoo.generate.samples import NO_PICTURES

LARGE, SMALL = 112, 56
"""Pixels a side up to which the pictures of the equation, and those of its seeds above it, are enlarged."""

SIGN, MARGIN = 28, 10
"""Height of a sign's letters, and the empty room around things, in pixels."""

WIDEST = 1920
"""Pixels after which an equation goes on below."""

TEXT = 40
"""Letters of a term that are written below it."""


@dataclass(frozen=True)
class Arithmetic:
    """An expression, its value, and what each of its terms looks like."""

    expression: Expression
    """What was computed."""
    latent: Tensor
    """Its value: float32 (size,)."""
    image: Tensor
    """What the generator makes of it: float32 (C, H, W) in [-1, 1]."""
    terms: Tensor
    """What it makes of each term, whatever its sign: float32 (terms, C, H, W)."""
    seeds: Mapping[int, Tensor]
    """What it makes of each seed in the expression: number to float32 (C, H, W)."""
    points: bool = False
    """Whether the images are points, which make no picture."""

    def picture(self) -> Image.Image:
        """The equation as a Pillow image: the terms with their signs, the result, and above each term its seeds.

        A long one goes on below, as lines of text do. Raises OptionError for points.
        """
        if self.points:
            raise OptionError(NO_PICTURES)
        columns = []
        for term, image in zip(self.expression.terms, self.terms, strict=True):
            above = [] if term.seeds == [_number(term.text)] else term.seeds
            text = term.text if len(term.text) <= TEXT else term.text[: TEXT - 1] + "…"
            columns.append(_Column(self._seeds(above), _large(image), text))
        columns.append(_Column(None, _large(self.image), "result"))
        signs = ["-" if term.negative else "+" for term in self.expression.terms]
        signs[0] = signs[0].replace("+", "")
        return _stack([_lay_out(*line) for line in _lines(columns, [*signs, "="])])

    def _seeds(self, numbers: list[int]) -> Image.Image | None:
        """The seeds of a term with their numbers: below each other while they are few, else in a square."""
        if not numbers:
            return None
        pixels = np.concatenate([to_pixels(self.seeds[number][None]) for number in numbers])
        across = 1 if len(numbers) <= 4 else math.ceil(math.sqrt(len(numbers)))
        return grid(pixels, across, captions=[str(number) for number in numbers], visible=SMALL)


@dataclass(frozen=True)
class _Column:
    above: Image.Image | None
    image: Image.Image
    text: str

    @property
    def width(self) -> int:
        return max(self.above.width if self.above else 0, self.image.width, words.width(self.text))


def _room() -> int:
    """Pixels that a sign takes."""
    return 2 * MARGIN + words.width("=", SIGN)


def _lines(columns: list[_Column], signs: list[str]) -> Iterator[tuple[list[_Column], list[str]]]:
    """The columns and their signs, broken into lines that are no wider than WIDEST, or of one column."""
    start, width = 0, 2 * MARGIN
    for place, (column, sign) in enumerate(zip(columns, signs, strict=True)):
        more = column.width + (_room() if sign else 0)
        if place > start and width + more > WIDEST:
            yield columns[start:place], signs[start:place]
            start, width = place, 2 * MARGIN
        width += more
    yield columns[start:], signs[start:]


def _stack(lines: list[Image.Image]) -> Image.Image:
    """Pictures below each other, from the left."""
    mode = lines[0].mode
    size = max(line.width for line in lines), sum(line.height for line in lines)
    canvas = Image.new(mode, size, words.DARK if mode == "L" else (words.DARK,) * 3)
    top = 0
    for line in lines:
        canvas.paste(line, (0, top))
        top += line.height
    return canvas


def _lay_out(columns: list[_Column], signs: list[str]) -> Image.Image:
    """The columns from left to right, each with its sign to the left of it, on one line at the bottom."""
    band = words.height()
    gap = _room()
    top = MARGIN + max(column.above.height if column.above else 0 for column in columns)
    middle = top + (MARGIN if top > MARGIN else 0) + columns[0].image.height / 2
    height = int(middle + columns[0].image.height / 2) + band + MARGIN
    width = MARGIN + sum(column.width for column in columns) + sum(gap for sign in signs if sign) + MARGIN
    mode = columns[0].image.mode
    canvas = Image.new(mode, (width, height), words.DARK if mode == "L" else (words.DARK,) * 3)
    left = MARGIN
    for column, sign in zip(columns, signs, strict=True):
        if sign:
            words.sign(canvas, sign, (left + gap / 2, middle), SIGN)
            left += gap
        centre = left + column.width / 2
        if column.above:
            canvas.paste(column.above, (int(centre - column.above.width / 2), top - column.above.height))
        canvas.paste(column.image, (int(centre - column.image.width / 2), int(middle - column.image.height / 2)))
        words.write(canvas, column.text, (centre, height - MARGIN - band / 2))
        left += column.width
    return canvas


def _large(image: Tensor) -> Image.Image:
    pixels: Pixels = to_pixels(image[None])[0]
    return to_picture(shown(pixels, LARGE))


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None
