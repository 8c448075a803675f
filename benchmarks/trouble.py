"""Trainings that go wrong, and whether they are healed; and trainings that go well, which nothing is to disturb.

    python benchmarks/trouble.py wrong FOLDER [--only WORD]     four recipes that go wrong: when is it told, what becomes of them
    python benchmarks/trouble.py calm FOLDER [--seeds 10] [--steps 600] [--only WORD]    presets, shortened: no event is expected
    python benchmarks/trouble.py cost FOLDER                    what looking costs, as a share of a step

The photographs are made up (tests/helpers/photographs.py). Look at the grids in FOLDER/NAME/samples: a picture is no number.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "helpers"))

import contextlib

import numpy as np
import torch
from photographs import write_photographs

import zoo
from zoo.data.registry import open_source
from zoo.data.spec import DataSpec
from zoo.data.store import prepare
from zoo.engine.health.monitoring import Monitoring
from zoo.errors import ZooError
from zoo.plugins.registry import registry

DIGITS = "200 of the digits"
HEAL = {"on_trouble": "heal", "checkpoint_every": 50, "sample_every": 100}

WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a learning rate of 5": ("dcgan", {"preset": "mnist", "learning_rate": 5.0, "width": 16, "steps": 800}),
    "folder64 at its document's rate": (
        "lsgan",
        {"preset": "folder64", "data": 400, "each_epoch": False, "steps": 2000},
    ),
    "200 digits without R1": (
        "dcgan",
        {"preset": "mnist", "data": DIGITS, "hold_out": 50, "width": 16, "r1": 0.0, "steps": 2000},
    ),
    "float16 that overflows": (
        "lsgan",
        {"preset": "paper", "precision": "float16", "loss_weight": 1e6, "width": 4, "steps": 600, "log_every": 10},
    ),
}
"""What goes wrong: the architecture and its options; `data` is how many photographs there are, or digits."""

CALM: dict[str, tuple[str, dict[str, Any]]] = {
    "dcgan mnist": ("dcgan", {"preset": "mnist"}),
    "vanilla dense": ("vanilla", {"preset": "dense"}),
    "lsgan paper": ("lsgan", {"preset": "paper"}),
    "cgan dcgan": ("cgan", {"preset": "dcgan"}),
    "vanilla points": ("vanilla", {"preset": "points", "data": "ring"}),
    "vanilla selu": ("vanilla", {"preset": "selu", "epochs": 50}),
}
"""What goes well: presets that take a moment on a CPU."""


def wrong(folder: Path, only: str) -> None:
    """Train each recipe that goes wrong, with healing; tell what happened."""
    for title, (name, options) in WRONG.items():
        if only not in title:
            continue
        place = folder / title.replace(" ", "-")
        count = options.get("data")
        data = (
            {} if count is None else {"data": str(_digits(folder) if count == DIGITS else _photographs(folder, count))}
        )
        try:
            run = zoo.train(name, out=place, plugin_callbacks=False, **{**HEAL, **options, **data})
            ended = f"ended at step {run.latest()[0]}"
        except ZooError as error:
            run, ended = zoo.Run(place), f"stopped: {error}"
        print(f"{title}: {ended}")
        for healed in run.healing:
            print(
                f"  told at step {healed['detected_at']}: {healed['message']}; back to {healed['step']} with {healed['changes']}"
            )
        print(f"  pictures: {run.samples[-1]}")


def calm(folder: Path, only: str, seeds: int, steps: int) -> None:
    """Train presets from several seeds, so many steps of each (of the whole schedule); tell of events, which are false alarms."""
    for title, (name, options) in CALM.items():
        if only not in title:
            continue
        alarms = []
        for seed in range(seeds):
            place = folder / f"{title.replace(' ', '-')}-{seed}"
            with contextlib.suppress(_EnoughError):
                zoo.train(name, out=place, seed=seed, callbacks=[_Enough(steps)], plugin_callbacks=False, **options)
            alarms += [(seed, event["step"], event["message"]) for event in zoo.Run(place).events()]
        print(f"{title}: {seeds} seeds of {steps} steps, {len(alarms)} events {alarms or ''}", flush=True)


class _EnoughError(Exception):
    """As many steps as are wanted are done."""


class _Enough(zoo.Callback):
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step(self, step: int) -> None:
        if step >= self.steps:
            raise _EnoughError


def cost(folder: Path) -> None:
    """How long looking takes, in all, of the time of a training's steps."""
    for title, more in (("dcgan mnist", {}), ("dcgan mnist, 500 held out", {"hold_out": 500})):
        spent = dict.fromkeys(("update", "update_images", "measure"), 0.0)
        with _timed(spent):
            place = folder / title.replace(" ", "-").replace(",", "")
            run = zoo.train("dcgan", preset="mnist", steps=1000, out=place, plugin_callbacks=False, **more)
        seconds = run.metrics()[-1]["seconds"]
        shares = ", ".join(f"{name} {value / seconds:.2%}" for name, value in spent.items())
        print(f"{title}: of {seconds:.0f} s of steps, {shares}", flush=True)


class _timed:  # noqa: N801
    """Within it the time that each method of the watch takes is added up."""

    def __init__(self, spent: dict[str, float]) -> None:
        self.spent = spent
        self.real: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> None:
        for name in self.spent:
            self.real[name] = getattr(Monitoring, name)
            setattr(Monitoring, name, self._timing(name))

    def __exit__(self, *error: object) -> None:
        for name, real in self.real.items():
            setattr(Monitoring, name, real)

    def _timing(self, name: str) -> Callable[..., Any]:
        def timing(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return self.real[name](*arguments)
            finally:
                self.spent[name] += time.perf_counter() - began

        return timing


def _photographs(folder: Path, count: int) -> Path:
    place = folder / f"photographs-{count}"
    return place if place.is_dir() else write_photographs(place, count)


def _digits(folder: Path) -> Path:
    """Some of those that come with zoo, from all over them."""
    store = prepare(open_source("digits", registry().sources), DataSpec(1, 28, 28))
    place = folder / "digits-200.npz"
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez(place, images=store.images[:: len(store) // 200][:200])
    return place


def main(arguments: list[str]) -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("wrong", "calm", "cost"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="those whose title has this in it")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if given.what == "wrong":
        wrong(given.folder, given.only)
    elif given.what == "calm":
        calm(given.folder, given.only, given.seeds, given.steps)
    else:
        cost(given.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
