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

from zoo.generate.pictures.grid import grid

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
    parts = [
        grid(np.load(given.kept / each.pictures, mmap_mode="r")[: given.rows * given.columns], given.columns, visible=0)
        for each in nearest
    ]
    picture = Image.new(parts[0].mode, (parts[0].width, sum(part.height + GAP for part in parts) - GAP), "white")
    for number, part in enumerate(parts):
        picture.paste(part, (0, number * (part.height + GAP)))
    picture.save(given.png, optimize=True)
    print(f"{given.png}: after {', '.join(f'{each.seconds:.0f} s (step {each.step:,})' for each in nearest)}")


if __name__ == "__main__":
    main()
