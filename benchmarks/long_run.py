"""Whether a long training stays as small as it began: memory, open files and threads over many steps of a tiny network.

    python benchmarks/long_run.py --steps 100000 [--every 500] [--csv results/long-run.csv] [--plot docs/images/long-run.png]

It logs each step, draws a grid and writes a checkpoint each thousand, so that all that a run does is done often. Measured within
the process, each `--every` steps: resident memory (VmRSS), open files, threads, seconds. Linux alone tells of these.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import zoo
from zoo.plots.figure import DATA, GENERATED, new_figure, tidy, write
from zoo.testing.data import write_images

FIELDS = ("step", "memory_mb", "files", "threads", "seconds")


def resident() -> float:
    """Megabytes of this process that are in memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024


class Measure(zoo.Callback):
    """Keeps a row of `FIELDS` each so many steps."""

    def __init__(self, every: int) -> None:
        self.every, self.rows = every, []
        self._began = time.monotonic()

    def on_step(self, step: int) -> None:
        if step % self.every == 0:
            files, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
            self.rows.append((step, round(resident(), 1), files, threads, round(time.monotonic() - self._began, 1)))


def plot(rows: Sequence[Sequence[float]], path: Path) -> None:
    """Memory above, open files and threads below, over the steps."""
    figure = new_figure(8.0, 4.4)
    above, below = figure.subplots(2, 1, sharex=True)
    steps = [row[0] for row in rows]
    above.plot(steps, [row[1] for row in rows], color=DATA)
    above.set_ylim(0, 1.25 * max(row[1] for row in rows))
    above.set_ylabel("resident memory, MB")
    for index, name, colour in ((2, "open files", DATA), (3, "threads", GENERATED)):
        below.plot(steps, [row[index] for row in rows], color=colour, label=name)
    below.set_ylim(0, 1.25 * max(max(row[2], row[3]) for row in rows))
    below.set_xlabel("step")
    below.legend(loc="lower right", fontsize=8, frameon=False, ncols=2)
    tidy(above)
    tidy(below)
    write(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    measure = Measure(given.every)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_CACHE"] = str(Path(folder) / "cache")
        data = write_images(Path(folder) / "images.npz", count=64)
        zoo.train(
            "dcgan", data=str(data), out=Path(folder) / "run", callbacks=[measure], steps=given.steps, width=2, latent=4, samples=4,
            batch_size=4, generator_batch_size=4, log_every=1, sample_every=1000, checkpoint_every=1000, device="cpu", seed=3,
        )  # fmt: skip
    if given.csv:
        given.csv.parent.mkdir(parents=True, exist_ok=True)
        with given.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(FIELDS)
            writer.writerows(measure.rows)
    if given.plot:
        plot(measure.rows, given.plot)
    half = measure.rows[len(measure.rows) // 2 :]
    print(
        f"from step {half[0][0]} to {half[-1][0]}: memory {half[0][1]} to {half[-1][1]} MB, most {max(row[1] for row in half)}"
    )
    print(
        f"open files {half[0][2]} to {half[-1][2]}, threads {half[0][3]} to {half[-1][3]} ({threading.active_count()} of Python's)"
    )


if __name__ == "__main__":
    main()
