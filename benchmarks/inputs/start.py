"""From typing ``zoo train dcgan`` to its first step, in fresh processes."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import zoo.assets

from .sides import Row, duration, in_turn

HERE = Path(__file__).parent
IMAGES = Path(zoo.assets.__file__).parent / "mnist5k-images-idx3-ubyte.gz"
TRAIN = ("dcgan", "--steps", "1")


def measure(scratch: Path, rounds: int) -> list[Row]:
    """The first step, and whole commands. `scratch`: a folder to work in."""
    parts: dict[str, list[dict[str, float]]] = {}

    def first_step(name: str, script: str, *arguments: str, cold: bool = False) -> Callable[[], float]:
        def call() -> float:
            report = scratch / "report.json"
            began = time.time()
            run([str(HERE / script), str(began), str(report), *arguments], scratch, cold)
            done: dict[str, float] = json.loads(report.read_text("utf-8"))
            parts.setdefault(name, []).append(done)
            return done["first step"]

        return call

    first = in_turn(
        {
            "zoo train dcgan, data prepared": first_step("zoo", "first_step.py", *TRAIN),
            "zoo train dcgan, data cache empty": first_step("zoo, cold", "first_step.py", *TRAIN, cold=True),
            "plain torch.nn script": first_step("plain", "plain_start.py", str(IMAGES)),
        },
        rounds,
    )
    commands = in_turn(
        {
            "zoo train dcgan --steps 1": whole(scratch, "-m", "zoo", "train", *TRAIN),
            'python -c "import torch"': whole(scratch, "-c", "import torch"),
            "zoo list": whole(scratch, "-m", "zoo", "list"),
        },
        rounds,
    )
    notes = [f"{name}: {breakdown(each[1:])}" for name, each in parts.items()]
    return [Row("until the first step is done", first, notes), Row("whole command", commands)]


def quick_bench(scratch: Path, rounds: int) -> Row:
    """``zoo bench --quick`` from beginning to end."""
    return Row("whole command", in_turn({"zoo bench --quick": whole(scratch, "-m", "zoo", "bench", "--quick")}, rounds))


def whole(scratch: Path, *arguments: str) -> Callable[[], float]:
    """A Python process; the seconds from its start to its end."""

    def call() -> float:
        began = time.perf_counter()
        run(arguments, scratch)
        return time.perf_counter() - began

    return call


def run(arguments: Sequence[str], scratch: Path, cold: bool = False) -> None:
    """A Python process in the scratch folder, without a run and, where `cold`, without prepared data from before."""
    shutil.rmtree(scratch / "runs", ignore_errors=True)
    if cold:
        shutil.rmtree(scratch / "cold", ignore_errors=True)
    environment = {**os.environ, "ZOO_CACHE": str(scratch / ("cold" if cold else "cache"))}
    done = subprocess.run([sys.executable, *arguments], cwd=scratch, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")


def breakdown(rounds: list[dict[str, float]]) -> str:
    """What each part took, medians: "Python 18 ms, torch 700 ms, …"."""
    names = list(rounds[0])
    parts = []
    for before, name in zip([None, *names], names, strict=False):
        took = statistics.median(done[name] - (done[before] if before else 0.0) for done in rounds)
        parts.append(f"{name} {duration(took)}")
    return ", ".join(parts)
