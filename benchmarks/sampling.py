"""Many pictures: `zoo sample --out FOLDER` beside a plain loop over Pillow, and its memory at n and at 4 n.

    python benchmarks/sampling.py RUN [--n 2048] [--rounds 3]

RUN is a run, or an architecture that comes trained. Each side draws the same pictures in batches of 64 and writes them as PNG
files, in rounds that take turns; the ratio is that of the fastest rounds. The plain loop is
``Image.fromarray(pixels).save(f"{i}.png")``. Memory is the largest resident set of a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

import zoo
from zoo.cli import run as command
from zoo.generate.pictures.grid import to_pixels

BATCH = 64


@torch.no_grad()
def plain(name: str, count: int, folder: Path) -> None:
    """What one would write without zoo's command."""
    generator = zoo.load(name)
    latents = generator.latents(count)
    classes = len(generator.class_names)
    for start in range(0, count, BATCH):
        part = latents[start : start + BATCH]
        labels = (torch.arange(start, start + len(part)) % classes,) if classes else ()
        for place, pixels in enumerate(to_pixels(generator.network(part, *labels))):
            Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(folder / f"{start + place}.png")


def ours(name: str, count: int, folder: Path) -> None:
    """The command."""
    if command(["sample", name, "--n", str(count), "--out", str(folder)]):
        raise SystemExit("zoo sample failed")


def seconds(work: Callable[[str, int, Path], None], name: str, count: int) -> tuple[float, float]:
    """How long it takes into a new folder, and how much of a processor: on a busy machine the latter says more."""
    with tempfile.TemporaryDirectory() as folder:
        began, busy = time.perf_counter(), time.process_time()
        work(name, count, Path(folder))
        return time.perf_counter() - began, time.process_time() - busy


def peak(name: str, count: int) -> int:
    """Bytes that the command holds at most, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, name, "--n", str(count), "--into", folder]
        return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1])


def main(arguments: list[str]) -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--n", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.into is not None:  # the process whose memory is measured
        ours(given.run, given.n, given.into)
        unit = 1 if sys.platform == "darwin" else 1024
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
        return
    ours_took, plain_took = [], []
    for _ in range(given.rounds):
        ours_took.append(seconds(ours, given.run, given.n))
        plain_took.append(seconds(plain, given.run, given.n))
    for what, fast, slow in (
        (what, min(each), min(other))
        for what, each, other in zip(
            ("time", "CPU"), zip(*ours_took, strict=False), zip(*plain_took, strict=False), strict=False
        )
    ):
        print(f"{given.n:,} pictures, {what}: zoo {fast:.1f} s, the plain loop {slow:.1f} s, ratio {fast / slow:.2f}")
    one, four = peak(given.run, given.n), peak(given.run, 4 * given.n)
    print(f"peak memory: {one / 2**20:.0f} MiB for {given.n:,}, {four / 2**20:.0f} MiB for {4 * given.n:,}")


if __name__ == "__main__":
    main(sys.argv[1:])
