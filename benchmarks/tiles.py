"""A folder of some 2,200 game tiles of 32×32 to learn from: walls and floors of Dungeon Crawl Stone Soup (CC0).

    python benchmarks/tiles.py tiles

They are the sheets that Debian's package crawl-tiles-data carries, cut along their grid. It is fetched with apt-get and read as an
archive; nothing of it is installed. One PNG each; none twice; those with transparent parts are left out.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from packages import debian_package
from PIL import Image

PACKAGE = "crawl-tiles-data"
SHEETS = ("wall", "floor")
"""Those whose tiles are all of one size; the others' are packed tightly."""
SIDE = 32


def tiles() -> Iterator[tuple[str, Image.Image]]:
    """Each tile with its name."""
    seen = set()
    with debian_package(PACKAGE) as archive:
        for sheet in SHEETS:
            file = archive.extractfile(f"./usr/share/crawl/dat/tiles/{sheet}.png")
            if file is None:
                raise SystemExit(f"{PACKAGE} holds no sheet {sheet}; this was written for its release 0.28")
            picture = Image.open(io.BytesIO(file.read())).convert("RGBA")
            for top in range(0, picture.height - SIDE + 1, SIDE):
                for left in range(0, picture.width - SIDE + 1, SIDE):
                    tile = picture.crop((left, top, left + SIDE, top + SIDE))
                    opaque = tile.getextrema()[3][0] == 255
                    if opaque and (pixels := tile.tobytes()) not in seen:
                        seen.add(pixels)
                        yield f"{sheet}-{top // SIDE:02}-{left // SIDE:02}", tile.convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, tile in tiles():
        tile.save(given.folder / f"{name}.png")
        count += 1
    print(f"{count:,} tiles of {SIDE}×{SIDE} in {given.folder}; Dungeon Crawl Stone Soup, CC0")


if __name__ == "__main__":
    main()
