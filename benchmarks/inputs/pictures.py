"""Preparing a folder of pictures, against processes that do it with Pillow, each in a fresh process."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from command import say
from PIL import Image

from .sides import Row, in_turn

HERE = Path(__file__).parent
SIDE = 64
SIZES = {"small": (64, 320), "mixed": (128, 768)}
"""Pixels of the shorter and the longer sides of two folders: thumbnails, and what cameras and the web give."""


def measure(scratch: Path, rounds: int, count: int) -> Iterator[Row]:
    """A row for each folder of `count` pictures."""
    for kind in SIZES:
        say(f"pictures: making {count:,} {kind} ones, then preparing them in {rounds} rounds")
        folder = make(scratch / kind, kind, count)
        zoo, same, plain = scratch / "zoo", scratch / "same", scratch / "plain"
        work: dict[str, list[float]] = {"zoo": [], "same": [], "plain": []}
        contenders = {
            "zoo": script("zoo", folder, zoo, work),
            "Pool, Pillow's calls as zoo's": script("same", folder, same, work),
            "Pool, ImageOps.fit": script("plain", folder, plain, work),
        }
        row = Row(f"{count:,} {kind} pictures at {SIDE}×{SIDE}", in_turn(contenders, rounds))
        one, other, third = (np.fromfile(path, np.uint8) for path in (zoo, same, plain))
        row.notes.append(
            "zoo and the pool with the same calls: " + ("equal" if np.array_equal(one, other) else "NOT EQUAL")
        )
        row.notes.append(
            "seconds of processors: "
            + ", ".join(f"{how} {statistics.median(spent[1:]):.1f}" for how, spent in work.items())
        )
        far = np.abs(one.astype(np.int16) - third).mean()
        row.notes.append(f"zoo and ImageOps.fit: {far:.2f} levels of 255 apart on average")
        yield row


def script(how: str, folder: Path, out: Path, work: dict[str, list[float]]) -> Callable[[], float]:
    """A process that prepares the folder into the file `out`; the seconds it takes, imports and all.

    What it takes of all processors, which neighbours on the machine change less, goes to `work`.
    """

    def call() -> float:
        cache = out.with_suffix(".cache")
        shutil.rmtree(cache, ignore_errors=True)
        began, before = time.perf_counter(), os.times()
        subprocess.run(
            [sys.executable, str(HERE / "prepare.py"), how, str(folder), str(out), str(SIDE)],
            env={**os.environ, "ZOO_CACHE": str(cache)}, check=True,
        )  # fmt: skip
        took, after = time.perf_counter() - began, os.times()
        work[how].append(sum(after[2:4]) - sum(before[2:4]))
        return took

    return call


def make(folder: Path, kind: str, count: int) -> Path:
    """Pictures of many sizes, seven in ten JPEG, the others PNG; the same ones every time."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        with multiprocessing.Pool() as pool:
            pool.map(partial(draw, folder, SIZES[kind]), range(count), 32)
    return folder


def draw(folder: Path, sizes: tuple[int, int], number: int) -> None:
    """One picture: soft colours and some grain, which JPEG and PNG find about as hard as a photograph."""
    random = np.random.default_rng(number)
    low, high = np.log(sizes)
    width, height = (int(side) for side in np.exp(random.uniform(low, high, 2)))
    soft = random.integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), np.uint8)
    picture = np.asarray(Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC))
    grain = random.integers(-12, 13, (height, width, 1), np.int16)
    picture = (picture + grain).clip(0, 255).astype(np.uint8)
    Image.fromarray(picture).save(folder / f"{number:06d}{'.jpg' if random.random() < 0.7 else '.png'}", quality=90)
