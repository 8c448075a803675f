"""Made-up photographs: JPEG files of 178×218 in colour, each with a face of a kind before a gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 178, 218


def write_photographs(folder: Path, count: int, *, classes: tuple[str, ...] = ()) -> Path:
    """So many files in a folder, or in a subfolder for each of the classes by turns."""
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / classes[number % len(classes)] if classes else folder
        place.mkdir(parents=True, exist_ok=True)
        _photograph(random).save(place / f"{number:05d}.jpg", quality=90)
    return folder


def _photograph(random: np.random.Generator) -> Image.Image:
    top, bottom = random.integers(30, 226, (2, 3))
    share = np.linspace(0, 1, HEIGHT)[:, None, None]
    rows = (top * (1 - share) + bottom * share).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(rows.repeat(WIDTH, 1)))
    pen = ImageDraw.Draw(picture)
    x, y = (float(middle + random.normal(0, 6)) for middle in (WIDTH / 2, HEIGHT / 2))
    skin = tuple(int(value * random.uniform(0.5, 1.0)) for value in (235, 190, 160))
    pen.ellipse((x - 52, y - 68, x + 52, y + 30), fill=tuple(random.integers(20, 200, 3).tolist()))
    pen.ellipse((x - 44, y - 58, x + 44, y + 58), fill=skin)
    for side in (-18, 18):
        pen.ellipse((x + side - 8, y - 15, x + side + 8, y - 5), fill=(245, 245, 245))
        pen.ellipse((x + side - 4, y - 14, x + side + 4, y - 6), fill=(40, 30, 20))
    pen.chord((x - 17, y + 20, x + 17, y + 36), 0, 180, fill=(180, 50, 60))
    return picture
