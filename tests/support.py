"""Small tools of the tests: tiny data, tiny runs, third-party plugins as they would really be installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

import zoo

TINY = dict(width=2, latent=4, batch_size=8, generator_batch_size=None, steps=4, samples=4, log_every=1, seed=3)
"""Options of a run that takes a moment; those that an architecture does not have are left out by `tiny`."""

TIMING = {"seconds", "images_per_second"}


def tiny(name: str, **more: Any) -> dict[str, Any]:
    """Options of a tiny run of the architecture `name`, and `more`."""
    from zoo.registry import registry

    known = registry().contribution(name).value.Options.model_fields
    return {**{key: value for key, value in TINY.items() if key in known}, **more}


def flags(options: dict[str, Any]) -> list[str]:
    """Options as a person would type them."""
    words = []
    for name, value in options.items():
        dashed = name.replace("_", "-")
        if value is None:
            continue
        words += [f"--{'' if value else 'no-'}{dashed}"] if isinstance(value, bool) else [f"--{dashed}", str(value)]
    return words


def write_images(path: Path, count: int = 24, size: int = 8, channels: int = 1, classes: int = 3) -> Path:
    """A .npz file of `count` images with labels 0..classes-1 (0: none); each class is brighter than the one before."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % max(classes, 1)
    images = random.integers(0, 80, (count, size, size, channels)) + 70 * labels[:, None, None, None]
    content = {"images": images.clip(0, 255).astype(np.uint8)}
    if classes:
        content["labels"] = labels.astype(np.int64)
    np.savez(path, **content)
    return path


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """What it said was wrong, in one line, without the frames that a parser draws around it."""
        text = self.err
        for character in "│╭╮╰╯─":
            text = text.replace(character, " ")
        return " ".join(text.split())


def zoo_process(*arguments: object, check: bool = False, **environment: str) -> Outcome:
    """`python -m zoo ARGUMENTS` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert not check or outcome.code == 0, outcome
    return outcome


def write_distribution(
    folder: Path, source: str, module: str, *, distribution: str | None = None, version: str = "1.0", point: str = ""
) -> None:
    """What pip leaves behind of a package of one module: the module, and a .dist-info with its entry point."""
    name = distribution or module.replace("_", "-")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[zoo]\n{point or module} = {module}\n", encoding="utf-8")


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """Every tensor of a checkpoint, by file and name."""
    return {
        f"{file.stem}.{name}": value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()
    }


def assert_same_checkpoint(one: Path, other: Path) -> None:
    """Bit for bit the same weights, averages, optimiser states, random numbers and positions."""
    ours, theirs = tensors(one), tensors(other)
    assert ours.keys() == theirs.keys()
    different = [name for name, value in ours.items() if value.tobytes() != theirs[name].tobytes()]
    assert different == []
    states = [json.loads((folder / "state.json").read_text()) for folder in (one, other)]
    assert [{**state, "seconds": 0} for state in states] == [{**states[0], "seconds": 0}] * 2


def untimed(run: zoo.Run) -> list[dict[str, Any]]:
    """The metrics of a run without those that a clock gives."""
    return [{key: value for key, value in line.items() if key not in TIMING} for line in run.metrics()]
