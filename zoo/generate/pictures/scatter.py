"""The picture of a run on toy data: generated points over real ones, in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[Any]

SIDE = 480
"""Width and height of the picture in pixels."""

_FINER = 2  # drawn so many times as large, then reduced: Pillow draws hard edges
_MARGIN = 12
_BINS = 60
_PAPER, _FRAME, _REAL, _FAKE = (255, 255, 255), (200, 200, 200), (165, 190, 225), (214, 90, 20)


def to_points(images: Tensor) -> Floats:
    """Points as a network makes them, (n, 1, 1, d), as an array (n, d)."""
    return np.asarray(images.float().flatten(1).cpu())


def scatter(fake: Floats, real: Floats) -> Image.Image:
    """Generated points (n, d) over real ones (m, d), d 1 or 2; on the line both are histograms."""
    size = SIDE * _FINER
    picture = Image.new("RGB", (size, size), _PAPER)
    peak = 0.0
    pen = ImageDraw.Draw(picture)
    edge = _MARGIN * _FINER
    pen.rectangle((edge, edge, size - edge, size - edge), outline=_FRAME, width=_FINER)
    if real.shape[1] == 1:
        peak = _histograms(pen, fake[:, 0], real[:, 0])
    else:
        _dots(pen, real[:, :2], _REAL, 3.5)  # so that they show around what is generated well
        _dots(pen, fake[:, :2], _FAKE, 1.1)
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    _legend(ImageDraw.Draw(small), (("real", _REAL), ("generated", _FAKE)))
    if peak > 1:
        _note(ImageDraw.Draw(small), f"generated, at its highest: {peak:.1f} times this frame")
    return small


def _place(value: Floats) -> Floats:
    """Coordinates in [-1, 1] as pixels of the large picture, from the left or from the top."""
    return (_MARGIN + (value + 1) / 2 * (SIDE - 2 * _MARGIN)) * _FINER


def _dots(pen: ImageDraw.ImageDraw, points: Floats, colour: tuple[int, int, int], radius: float) -> None:
    reach = radius * _FINER
    across, down = _place(points[:, 0]), _place(-points[:, 1])
    for x, y in zip(across.tolist(), down.tolist(), strict=True):
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)


def _histograms(pen: ImageDraw.ImageDraw, fake: Floats, real: Floats) -> float:
    """Shares of the points in each bin: the real ones filled, the generated ones as a line, cut off where the frame ends.

    Returns how high the generated ones reach, as a multiple of the frame's height.
    """
    heights = [np.histogram(values, _BINS, (-1, 1))[0] / max(1, len(values)) for values in (real, fake)]
    top = 1.25 * max(float(heights[0].max()), 1e-9)  # of the real ones: the same in every picture of a run
    edges = _place(np.linspace(-1, 1, _BINS + 1)).tolist()
    floor = float(_place(np.float64(1)))
    for height, filled in zip(heights, (True, False), strict=True):
        levels = _place(1 - 2 * np.minimum(height / top, 1)).tolist()
        outline = [(x, y) for *sides, y in zip(edges, edges[1:], levels, strict=False) for x in sides]
        if filled:
            pen.polygon([(edges[0], floor), *outline, (edges[-1], floor)], fill=_REAL)
        else:
            pen.line(outline, fill=_FAKE, width=2 * _FINER)
    return float(heights[1].max()) / top


def _note(pen: ImageDraw.ImageDraw, text: str) -> None:
    """A line on the right of the legend, over what is drawn there."""
    place = SIDE - _MARGIN - 8, _MARGIN + 6
    pen.rectangle(pen.textbbox(place, text, anchor="ra"), fill=_PAPER)
    pen.text(place, text, fill=_FAKE, anchor="ra")


def _legend(pen: ImageDraw.ImageDraw, entries: tuple[tuple[str, tuple[int, int, int]], ...]) -> None:
    left, top = _MARGIN + 8, _MARGIN + 6
    for text, colour in entries:
        pen.rectangle((left, top + 2, left + 8, top + 10), fill=colour)
        pen.text((left + 13, top), text, fill=(60, 60, 60))
        left += 13 + int(pen.textlength(text)) + 14
