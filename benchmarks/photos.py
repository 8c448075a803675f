"""A folder of real photographs to learn from: crops of mixed sizes, kinds and formats.

    python benchmarks/photos.py photos [--count 1200]

The photographs are those that the package scikit-image carries (an astronaut, a cat, coffee, a rocket, motorcycles, the
deep field, a retina, stained tissue). Its wheel is fetched with pip and read as an archive; nothing of it is installed.
Each crop is cut, at random but from a fixed seed, from one of them: 48 to some 350 pixels on a side, mirrored or not, as
PNG or JPEG, in colour, grey, with a palette or with transparent corners.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from packages import wheel
from PIL import Image, ImageDraw

PACKAGE = "scikit-image"
PHOTOGRAPHS = (
    "astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png",
    "motorcycle_right.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
KINDS = (
    ("RGB", ".jpg", 0.45),
    ("RGB", ".png", 0.25),
    ("RGBA", ".png", 0.1),
    ("P", ".png", 0.1),
    ("L", ".jpg", 0.05),
    ("L", ".png", 0.05),
)
"""Mode, suffix and share of the crops."""
SMALLEST, LARGEST = 48, 320


def photographs() -> list[Image.Image]:
    """The package's photographs, in colour. Raises SystemExit with a sentence where they cannot be had."""
    found = []
    with wheel(PACKAGE) as archive:
        for name in PHOTOGRAPHS:
            try:
                with archive.open(f"skimage/data/{name}") as file:
                    found.append(Image.open(file).convert("RGB"))
            except KeyError:  # another release may carry others
                print(f"{PACKAGE} holds no {name}", file=sys.stderr)
    if not found:
        raise SystemExit(f"{PACKAGE} holds none of the photographs; pip install an earlier {PACKAGE}")
    return found


def crop(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """A piece of the picture, from somewhere, of some size and shape."""
    side = np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST)))
    aspect = np.exp(random.uniform(-0.4, 0.4))
    width = int(np.clip(side * aspect**0.5, SMALLEST, picture.width))
    height = int(np.clip(side / aspect**0.5, SMALLEST, picture.height))
    left = int(random.integers(0, picture.width - width + 1))
    top = int(random.integers(0, picture.height - height + 1))
    piece = picture.crop((left, top, left + width, top + height))
    return piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else piece


def as_kind(piece: Image.Image, mode: str) -> Image.Image:
    """The piece in another mode: a palette of 128 colours, grey, or with round transparent corners."""
    if mode == "P":
        return piece.quantize(128)
    if mode == "RGBA":
        mask = Image.new("L", piece.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, piece.width - 1, piece.height - 1), min(piece.size) // 6, fill=255
        )
        piece = piece.convert("RGBA")
        piece.putalpha(mask)
        return piece
    return piece.convert(mode)


def cut(pictures: Sequence[Image.Image], folder: Path, count: int, seed: int = 0) -> None:
    """Write `count` crops of the pictures into the folder, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    shares = [share for *_, share in KINDS]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        mode, suffix, _ = KINDS[random.choice(len(KINDS), p=shares)]
        piece = as_kind(crop(pictures[random.integers(len(pictures))], random), mode)
        piece.save(folder / f"{number:05d}{suffix}")


def main(arguments: list[str]) -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1200)
    given = parser.parse_args(arguments)
    if given.folder.is_dir() and any(given.folder.iterdir()):
        raise SystemExit(f"{given.folder} is not empty; name a new folder")
    cut(photographs(), given.folder, given.count)
    print(f"{given.count} pictures in {given.folder}; try: zoo train lsgan --preset folder64 --data {given.folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
