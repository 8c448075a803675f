"""Pictures: single images, and grids of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.run.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]

GAP = 2
"""Pixels between the images of a grid."""


def to_pixels(images: Tensor) -> Pixels:
    """Images (n, C, H, W) in [-1, 1] as uint8 (n, H, W, C), rounded to the nearest level."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round()
    return np.asarray(scaled.byte().permute(0, 2, 3, 1).cpu().numpy())


def to_picture(pixels: Pixels) -> Image.Image:
    """One image (H, W, C), C in 1, 3, as a Pillow image."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def columns_for(count: int, classes: int = 0) -> int:
    """How wide a grid of `count` images is: a column for each class where there are few enough, else ⌊√count⌋."""
    if 1 < classes <= min(count, 20):
        return classes
    return max(1, math.isqrt(count))


def grid(pixels: Pixels, columns: int, gap: int = GAP) -> Image.Image:
    """uint8 (n, H, W, C) as one picture, row by row, small images enlarged by a whole factor so that they can be seen."""
    count, height, width, channels = pixels.shape
    factor = max(1, 56 // max(height, width))
    pixels = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    height, width = height * factor, width * factor
    rows = -(-count // columns)
    canvas = np.zeros((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), np.uint8)
    canvas[...] = 24  # a dark frame, so that the edge of a black image shows
    for index, image in enumerate(pixels):
        top, left = gap + index // columns * (height + gap), gap + index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return to_picture(canvas)


def save_grid(images: Tensor, path: Path, columns: int) -> None:
    """Write images (n, C, H, W) in [-1, 1] as one picture; the suffix says which format. Raises RunError."""
    save(grid(to_pixels(images), columns), path)


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture, whole or not at all; the suffix says which format. Raises RunError where that fails."""
    kind = Image.registered_extensions()[path.suffix.lower()]
    with replacing(path) as temporary:
        picture.save(temporary, format=kind, **({"quality": 95} if kind == "JPEG" else {}))
