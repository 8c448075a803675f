"""Kills trainings wherever it can, goes on with them, and compares what comes out with a run that nobody disturbed, bit for bit.

    python benchmarks/soak.py --kills 200 --faults 200 [--seed 1] [--json build/soak.json]

A training of a tiny network, from the preparation of its data to its film and curves, is ended by SIGKILL: at a random call of
the file system (`soaking/trouble.py`), with half a file written, or at a random moment. What is left is gone on with by `zoo
resume`, or begun by `zoo train` where there is no run yet, which is killed again, a few times over; then it may end. After that
everything is to be as in the run that was left alone: weights, averages, optimisers, random numbers, position in the data, every
line of metrics.jsonl, every picture, the film and the curves, and the list of files of the run; nothing half-written is left in
the cache.

A fault is a disk that refuses from one call on (full, read-only, failing), or a run's folder that is moved away. Then the command
is to end with a message in a line and no traceback, and, once the disk has room again, `zoo resume` is to go on to the same end.

The processes are forks of one that has imported torch: a start costs a tenth of a second.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from soaking.trouble import Trouble, die, refuse

import zoo
from zoo.cli import run as command
from zoo.plots.curves import curves_figure
from zoo.plots.figure import can_draw, write
from zoo.plugins.registry import registry
from zoo.testing.comparing import run_differences
from zoo.testing.data import write_images

OPTIONS = {
    "steps": 12, "batch-size": 8, "generator-batch-size": 8, "latent": 4, "samples": 4, "log-every": 1, "seed": 3,
    "sample-every": 3, "checkpoint-every": 4, "keep-checkpoints": 2, "device": "cpu",
}  # fmt: skip
ARCHITECTURES = ("vanilla", "dcgan", "cgan", "lsgan")
DATA = ("folder", "zip", "npz", "digits")
HEALED = {"learning-rate": 5, "discriminator-learning-rate": 0.001, "checkpoint-every": 3, "on-trouble": "heal"}
"""A training that goes wrong, and back, twice."""
MORE: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("vanilla", "ring", {}),
    ("dcgan", "npz", HEALED),
    ("cgan", "folder", {"hold-out": 4}),
)
"""Cases beside each architecture on each kind of data: points, healing, images that are held out."""
FAULTS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "failing": errno.EIO, "vanished": 0}
MOST = 4
"""How often one training is killed at most."""


@dataclass
class Case:
    """One architecture on one kind of data, with the run that was left alone and how many calls and seconds it takes."""

    architecture: str
    data: str
    folder: Path
    whole: Path
    more: Mapping[str, object] = field(default_factory=dict)
    calls: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return " ".join(
            [f"{self.architecture} on {self.data}", *(f"--{name} {value}" for name, value in self.more.items())]
        )

    def train(self, out: str) -> list[str]:
        options = {**OPTIONS, **({} if self.architecture == "vanilla" else {"width": 2}), **self.more}
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        place = self.data if self.data not in DATA_NAMES else str(self.folder / "data" / DATA_NAMES[self.data])
        return ["train", self.architecture, "--data", place, *flags, "--out", out]


DATA_NAMES = {"folder": "pictures", "zip": "pictures.zip", "npz": "images.npz"}


@dataclass
class Ended:
    """How a command ended."""

    code: int
    """Negative for a signal."""
    err: str
    calls: int


@dataclass
class Tally:
    """What was done, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    trainings: int = 0
    failures: list[str] = field(default_factory=list)


def warm_up(folder: Path) -> None:
    """Import all that a training imports, so that its forks need not; no thread may be started here."""
    for name in ("zoo.cli.train", "zoo.cli.resume", "zoo.cli.progress", "zoo.engine.train"):
        importlib.import_module(name)
    registry()
    if can_draw():
        write(
            curves_figure([{"step": step, "d_loss": 1.0, "g_loss": 1.0} for step in range(9)], "warm"),
            folder / "warm.png",
        )


def make_data(folder: Path) -> None:
    """The same small images as a folder of classes, a .zip of it, and a .npz."""
    folder.mkdir(parents=True)
    images = write_images(folder / "images.npz", count=24, size=16, channels=1, classes=3)
    with np.load(images) as content:
        for index, (image, label) in enumerate(zip(content["images"], content["labels"], strict=True)):
            place = folder / "pictures" / f"class{label}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.squeeze(-1)).save(place / f"{index:03d}.png")
    shutil.make_archive(str(folder / "pictures"), "zip", folder / "pictures")


def forked(arguments: list[str], place: Path, trouble: Trouble, delay: float | None = None) -> Ended:
    """One command in a fork of this process, in the folder `place`; `delay`: seconds after which it is killed from outside."""
    log, counted = place / "stderr.txt", place / "calls.txt"
    counted.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(place)
            os.environ["ZOO_CACHE"] = str(place / "cache")
            errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(errors, 2)
            trouble.install()
            code = command(arguments)
            trouble.busy = True
            counted.write_text(str(trouble.count))
            sys.stderr.flush()
        except BaseException:
            trouble.busy = True
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, log.read_text() if log.exists() else "", int(counted.read_text()) if counted.exists() else 0)


def measured(case: Case) -> None:
    """The run that is left alone, and how many calls it makes."""
    place = case.whole.parent
    place.mkdir(parents=True)
    began = time.monotonic()
    ended = forked(case.train("run"), place, Trouble(str(place)))
    case.seconds = time.monotonic() - began
    if ended.code != 0:
        sys.exit(f"{case.name} does not train: {ended.err}")
    case.calls = ended.calls


def next_command(case: Case, place: Path) -> list[str]:
    """`zoo resume`, or `zoo train` where there is no run yet."""
    return ["resume", "run"] if (place / "run" / "config.json").exists() else case.train("run")


def is_done(case: Case, place: Path) -> bool:
    """Whether a training has all that it ends with."""
    return all(
        (place / "run" / name).exists()
        for name in ("samples.gif", "curves.png", "report.html")
        if (case.whole / name).exists()
    )


def killed(case: Case, place: Path, chance: random.Random, most: int, tally: Tally) -> int:
    """Kill one training up to `most` times, then let it end; returns how many kills there were."""
    kills = 0
    while kills < most and not is_done(case, place):
        arguments = next_command(case, place)
        if chance.random() < 0.3:
            ended = forked(arguments, place, Trouble(str(place)), delay=chance.uniform(0, case.seconds))
            way = "at a moment"
        else:
            # A resume makes fewer calls than the whole: one that is not reached is a run that ends.
            at = chance.randint(1, case.calls)
            ended = forked(arguments, place, Trouble(str(place), at, die))
            way = "at a call"
        if ended.code == -signal.SIGKILL:
            kills += 1
            tally.kills[f"{way}, in zoo {arguments[0]}"] += 1
        elif ended.code != 0:
            raise FailedError(f"zoo {' '.join(arguments)} exits with {ended.code}: {ended.err}")
        else:
            break
    finish(case, place)
    return kills


def finish(case: Case, place: Path) -> None:
    """Go on with a training until it has ended, and compare it. Raises FailedError."""
    if not is_done(case, place):
        arguments = next_command(case, place)
        ended = forked(arguments, place, Trouble(str(place)))
        if ended.code != 0:
            raise FailedError(f"zoo {' '.join(arguments)} exits with {ended.code}: {ended.err}")
    one, other = zoo.Run(case.whole), zoo.Run(place / "run")
    differing = run_differences(one, other)
    for name in ("samples.gif", "curves.png"):
        if (case.whole / name).exists() and (case.whole / name).read_bytes() != (place / "run" / name).read_bytes():
            differing.append(name)
    if (steps := [line["step"] for line in other.metrics()]) != list(range(1, 13)):
        differing.append(f"the steps of metrics.jsonl, {steps}")
    differing += sorted(files(place / "run") ^ files(case.whole))
    differing += left_over(case, place)
    if differing:
        raise FailedError(f"differs from the run that was left alone: {', '.join(differing)}")


def left_over(case: Case, place: Path) -> list[str]:
    """What is in the way of the cache after the next preparation of other data, a day later."""

    def found() -> list[Path]:
        return list((place / "cache").rglob(".tmp-*"))

    if not found():
        return []
    for path in found():
        os.utime(path, (0, 0))
    other = place / "other"
    (other / "pictures").mkdir(parents=True)
    (other / "cache").symlink_to(place / "cache")
    for number in range(8):
        picture = other / "pictures" / f"{number}.png"
        Image.new("L", (16, 16), number).save(picture)
        os.utime(picture, (1, 1))
    arguments = ["train", "vanilla", "--data", "pictures", "--steps", "1", "--batch-size", "4", "--samples", "4"]
    ended = forked(arguments, other, Trouble("/nowhere"))
    if ended.code:
        raise FailedError(f"other data cannot be prepared beside what is left: {ended.err}")
    return [str(path.relative_to(place)) for path in found()]


def files(run: Path) -> set[str]:
    """The names of a run's files, but for what there is one of at most: a lock that nobody holds, a checkpoint that was about to be
    pruned."""
    found = (path for path in run.rglob("*") if path.is_file() and "step-" not in path.parent.name)
    return {str(path.relative_to(run)) for path in found} - {".lock"}


def faulty(case: Case, place: Path, kind: str, at: int, tally: Tally) -> None:
    """One disk that refuses from the `at`-th change on; what is said; and the end once it has room. Raises FailedError."""
    run, elsewhere = place / "run", place / "elsewhere"
    if kind == "vanished":

        def vanish() -> None:
            if run.exists():
                run.rename(elsewhere)

        trouble = Trouble(str(run), max(1, at // 2), vanish)
    else:
        trouble = Trouble(str(run), at, refuse(FAULTS[kind]), once=False, changes_only=True)
    ended = forked(case.train("run"), place, trouble)
    if elsewhere.exists():
        shutil.rmtree(run, ignore_errors=True)
        elsewhere.rename(run)
    lines = [line for line in ended.err.splitlines() if line]
    if ended.code not in (0, 2) or "Traceback" in ended.err or (ended.code == 2 and not lines[-1].startswith("zoo: ")):
        raise FailedError(f"a disk that is {kind} ends it with {ended.code}: {ended.err}")
    if ended.code == 2:
        tally.faults[kind] += 1
        saved = zoo.Run(run).checkpoints if (run / "config.json").exists() else []
        if (
            saved
            and kind != "vanished"
            and f"from step {saved[-1][0]}" not in ended.err
            and "is whole" not in ended.err
        ):
            raise FailedError(f"a disk that is {kind}: the message does not name step {saved[-1][0]}: {ended.err}")
    finish(case, place)


class FailedError(Exception):
    """A promise that was not kept."""


def soak(kills: int, faults: int, seed: int, folder: Path) -> Tally:
    """All of it, in `folder`."""
    chance = random.Random(seed)
    tally = Tally()
    make_data(folder / "data")
    warm_up(folder)
    cases = []
    plain = ((architecture, data, {}) for architecture, data in itertools.product(ARCHITECTURES, DATA))
    for index, (architecture, data, more) in enumerate([*plain, *MORE]):
        cases.append(Case(architecture, data, folder, folder / f"case{index}" / "whole" / "run", more))
    chance.shuffle(cases)
    rounds = itertools.cycle(cases)
    done = faulted = 0
    number = itertools.count()
    kinds = itertools.cycle(FAULTS)
    while done < kills or faulted < faults:
        case = next(rounds)
        if not case.calls:
            measured(case)
        place = case.whole.parent.parent / f"try{next(number)}"
        jobs = []
        if done < kills:
            jobs.append(("kill", min(MOST, kills - done)))
        if faulted < faults:
            jobs.append((next(kinds), chance.randint(1, case.calls // 2)))
        for kind, value in jobs:
            place.mkdir()
            tally.trainings += 1
            try:
                if kind == "kill":
                    done += killed(case, place, chance, value, tally)
                else:
                    faulty(case, place, kind, value, tally)
            except FailedError as failure:
                kept = folder / f"failed{len(tally.failures)}"
                shutil.move(place, kept)
                tally.failures.append(f"{case.name}, {kind} {value}: {failure} (kept as {kept})")
                done += 1 if kind == "kill" else 0
                print(tally.failures[-1], flush=True)
            shutil.rmtree(place, ignore_errors=True)
        faulted = sum(tally.faults.values())
        print(f"{done} of {kills} kills, {faulted} of {faults} faults: {len(tally.failures)} failures", file=sys.stderr)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the figures go")
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="zoo-soak-"))
    tally = soak(given.kills, given.faults, given.seed, folder)
    content = {
        "kills": dict(tally.kills),
        "faults": dict(tally.faults),
        "trainings": tally.trainings,
        "failures": [failure.splitlines()[0] for failure in tally.failures],
        "seed": given.seed,
        "seconds": round(time.monotonic() - began, 1),
    }
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2))
    if not tally.failures:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
