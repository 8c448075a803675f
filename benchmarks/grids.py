"""How a training's pictures came, in one picture: python benchmarks/grids.py KEPT PNG [--seconds 60 180 600]

KEPT is the folder of a training that speedrun.py wrote with --keep. For each moment the snapshot nearest to it gives some rows of
the same latents, the first moment on top.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from command import at_least
from PIL import Image
from speedrunning.snapshots import read_snapshots

GAP = 8


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kept", type=Path)
    arguments.add_argument("png", type=Path)
    arguments.add_argument("--seconds", type=float, nargs="+", default=[60.0, 180.0, 600.0])
    arguments.add_argument("--rows", type=at_least(1), default=3)
    arguments.add_argument("--columns", type=at_least(1), default=12)
    given = arguments.parse_args()
    snapshots = read_snapshots(given.kept)
    nearest = [min(snapshots, key=lambda each: abs(each.seconds - moment)) for moment in given.seconds]
    count = len(np.load(given.kept / nearest[0].pictures, mmap_mode="r"))
    if count < given.rows * given.columns:
        raise SystemExit(f"{given.kept} has {count} pictures of a moment; give fewer --rows or --columns")
    parts = [grid(np.load(given.kept / each.pictures), given.rows, given.columns) for each in nearest]
    gap = np.full((GAP, *parts[0].shape[1:]), 255, np.uint8)
    stacked = [piece for part in parts for piece in (part, gap)][:-1]
    picture = np.concatenate(stacked)
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(given.png, optimize=True)
    print(f"{given.png}: after {', '.join(f'{each.seconds:.0f} s (step {each.step:,})' for each in nearest)}")


def grid(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The first of the images (N, H, W, C), row by row."""
    _, height, width, channels = images.shape
    chosen = images[: rows * columns].reshape(rows, columns, height, width, channels)
    return chosen.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


if __name__ == "__main__":
    main()
