"""What two runs differ in, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.system.parsing import parse_json
from zoo.system.reading import open_plain, read_plain

if TYPE_CHECKING:
    import numpy as np

    from zoo.run.run import Run

TIMING = {"seconds", "images_per_second"}
"""The numbers of a run's metrics that a clock gives."""


def tensors(checkpoint: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Every tensor of a checkpoint, by file and name."""
    from safetensors.numpy import load_file

    found = {}
    for file in sorted(checkpoint.glob("*.safetensors")):
        with open_plain(file):  # which a pipe is not
            found.update({f"{file.stem}.{name}": value for name, value in load_file(file).items()})
    return found


def differences(one: Path, other: Path) -> list[str]:
    """What two checkpoints differ in: weights, averages, optimiser states, random numbers and positions, by name."""
    ours, theirs = tensors(one), tensors(other)
    found = sorted(ours.keys() ^ theirs.keys())
    found += [name for name, value in ours.items() if name in theirs and not _same(value, theirs[name])]
    states = [parse_json(read_plain(folder / "state.json")) for folder in (one, other)]
    keys = sorted((states[0].keys() | states[1].keys()) - {"seconds", "format", "sha256", "files"})
    return found + [f"state.json: {key}" for key in keys if states[0].get(key) != states[1].get(key)]


def run_differences(one: Run, other: Run) -> list[str]:
    """What two runs differ in: their newest checkpoints, their metrics but for what a clock says, and their pictures."""
    (step, ours), (another, theirs) = one.latest(), other.latest()
    found = [f"the newest checkpoint, of step {step} and {another}"] if step != another else differences(ours, theirs)
    found += ["metrics.jsonl"] * (untimed(one) != untimed(other))
    pictures = [{path.name: path.read_bytes() for path in run.samples} for run in (one, other)]
    names = sorted(pictures[0].keys() | pictures[1].keys())
    return found + [f"samples/{name}" for name in names if pictures[0].get(name) != pictures[1].get(name)]


def untimed(run: Run) -> list[dict[str, Any]]:
    """The metrics of a run without those that a clock gives."""
    return [without_timing(line) for line in run.metrics()]


def without_timing(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of them without those."""
    return {key: value for key, value in line.items() if key not in TIMING}


def _same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return (one.shape, one.dtype) == (other.shape, other.dtype) and one.tobytes() == other.tobytes()
