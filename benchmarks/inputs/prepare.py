"""Pictures of a folder as bytes in one file: python prepare.py zoo|same|plain FOLDER OUT SIDE

zoo: with `zoo.data`. plain: a pool of processes, as many as there are cores, each of which opens, converts, crops and resizes with
ImageOps.fit and writes into a memory map. same: such a pool with the very calls of Pillow that zoo makes, shortcuts included.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

LANCZOS = Image.Resampling.LANCZOS


def by_zoo(folder: str, out: str, side: int) -> None:
    from zoo.data.registry import open_source
    from zoo.data.spec import DataSpec
    from zoo.data.store import prepare

    store = prepare(open_source(folder), DataSpec(3, side, side))
    shutil.move(store.directory / "images.u8", out)


def by_pool(how: str, folder: str, out: str, side: int) -> None:
    paths = sorted(Path(folder).iterdir())
    shape = (len(paths), side, side, 3)
    np.memmap(out, np.uint8, "w+", shape=shape).flush()
    with Pool(os.cpu_count()) as pool:
        pool.map(partial(one, how, out, shape), enumerate(paths), 16)


def one(how: str, out: str, shape: tuple[int, ...], item: tuple[int, Path]) -> None:
    number, path = item
    side = shape[1]
    with Image.open(path) as picture:
        if how == "same":
            picture.draft(None, (2 * side, 2 * side))
        colour = ImageOps.exif_transpose(picture).convert("RGB")
    if how == "same":
        short = min(colour.size)
        left, top = ((length - short) / 2 for length in colour.size)
        box = (left, top, left + short, top + short)
        small = colour.resize((side, side), LANCZOS, box=box, reducing_gap=3.0)
    else:
        small = ImageOps.fit(colour, (side, side), LANCZOS)
    np.memmap(out, np.uint8, "r+", shape=shape)[number] = small


if __name__ == "__main__":
    how, folder, out, side = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    by_zoo(folder, out, side) if how == "zoo" else by_pool(how, folder, out, side)
