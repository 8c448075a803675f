"""The ledger of time to quality: seconds until a training's pictures are as near to real ones as stated.

    python benchmarks/speedrun.py [--data digits tiles icons] [--contenders zoo "plain PyTorch" lightweight-gan]
        [--seeds 0 1 2 …] [--seconds 300] [--csv results/speedrun.csv] [--chart docs/images/speedrun.png]

Each training is a process of its own, alone on the machine. Its clock begins with the process: importing, preparing the data and
all that belongs to training count; the snapshots that are taken of it do not. A snapshot is pictures, as many as half the real
ones. They are judged afterwards, all alike: the Fréchet distance to real pictures over that of two real halves (`over_floor` of
`zoo.evaluate`), by the features that it chooses by itself. Rows are added to the CSV as each training ends; `--only-report`
prints the table and draws the chart of those that are there. How many pictures a second who computes is another question:
steps.py.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from speedrunning.contenders import CONTENDERS
from speedrunning.data import DATA, DataSet

HERE = Path(__file__).resolve().parent


def worker(given: argparse.Namespace) -> None:
    """Train one contender, as its own process."""
    from importlib import import_module

    from speedrunning.snapshots import Snapshots

    data = DATA[given.data[0]]
    snapshots = Snapshots(given.worker, given.count, given.seconds, data.per_doubling)
    contender = CONTENDERS[given.contenders[0]]
    side = import_module(f"speedrunning.{contender.module}")
    side.train(data, data.place(given.pictures), given.seeds[0], snapshots, contender)


def pictures_in(data: DataSet, place: str) -> int:
    """How many real ones there are."""
    from zoo.data.registry import open_source

    return len(open_source(place))


def run(
    data: DataSet, contender: str, seed: int, given: argparse.Namespace, about: dict[str, Any]
) -> list[dict[str, Any]]:
    """The rows of one training."""
    from speedrunning.judge import judge
    from speedrunning.snapshots import read_snapshots

    place = data.place(given.pictures)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, __file__, "--worker", folder, "--data", data.name, "--contenders", contender, "--seeds", str(seed),
            "--seconds", str(given.seconds), "--count", str(pictures_in(data, place) // 2), "--pictures", str(given.pictures),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"{contender} on {data.name} failed:\n{done.stderr[-3000:]}")
        snapshots = read_snapshots(Path(folder))
        found = [judge(data, place, Path(folder), each, last=each is snapshots[-1]) for each in snapshots]
        if given.keep is not None:
            shutil.copytree(folder, given.keep / f"{data.name}-{contender}-{seed}", dirs_exist_ok=True)
    rows = [{"data": data.name, "contender": contender, "seed": seed} | each | about for each in found]
    last = rows[-1]
    print(f"{data.name}, {contender}, seed {seed}: {last['over_floor']:.2f} after {last['seconds']:.0f} s", flush=True)
    return rows


def machine() -> dict[str, Any]:
    """Where and what this is."""
    import torch

    import zoo
    from zoo.bench.machine import processor

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    return {
        "commit": commit or "unknown", "date": date.today().isoformat(), "machine": processor(), "threads": torch.get_num_threads(),
        "torch": torch.__version__, "zoo": zoo.__version__,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=[*DATA])
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=[each.name for each in CONTENDERS.values() if each.usual]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[*range(10)])
    parser.add_argument("--seconds", type=float, default=300.0, help="the longest that a training takes")
    parser.add_argument("--csv", type=Path, default=Path("results/speedrun.csv"))
    parser.add_argument("--chart", type=Path)
    parser.add_argument(
        "--pictures", type=Path, default=Path("build/speedrun"), help="where data sets are kept as folders"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the pictures of all snapshots")
    parser.add_argument("--only-report", action="store_true")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker is not None:
        return worker(given)
    from speedrunning.chart import draw
    from speedrunning.ledger import add, read, table

    given.pictures.mkdir(parents=True, exist_ok=True)
    if not given.only_report:
        about = machine()
        for seed in given.seeds:  # all contenders of a seed one after another: what disturbs the machine disturbs all
            for name in given.data:
                for contender in given.contenders:
                    add(given.csv, run(DATA[name], contender, seed, given, about))
    rows = read(given.csv)
    print(table(rows))
    if given.chart is not None:
        draw(rows, given.chart)
    return None


if __name__ == "__main__":
    main()
