"""Checkpoints: folders of safetensors files and JSON, written whole or not at all, read without pickle."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.run import format1
from zoo.run.files import reading, replacing
from zoo.run.packing import pack, unpack
from zoo.system.denied import refuse_denied

if TYPE_CHECKING:
    from torch import Tensor, nn

    Tensors = dict[str, Tensor]

FORMAT = 2
"""The version of a checkpoint's layout; those of format 1 are read too."""

_FILES = ("generator.safetensors", "discriminator.safetensors", "state.safetensors", "state.json")


@dataclass(frozen=True)
class State:
    """Everything beside the networks."""

    step: int
    """Steps done."""
    seconds: float
    """Time spent in training."""
    parts: dict[str, Any]
    """The state dicts of the parts of a run (optimisers, EMA, random numbers, position in the data, …) by name."""


def write_checkpoint(folder: Path, networks: Mapping[str, Tensors], state: State) -> None:
    """Write a checkpoint at `folder`: both networks' state dicts and the state. Raises RunError where that fails."""
    from safetensors.torch import save

    tensors: Tensors = {}
    try:
        parts = {name: pack(part, name, tensors) for name, part in state.parts.items()}
    except TypeError as error:
        raise RunError(f"the checkpoint of step {state.step} cannot be written: {error}") from None
    values = {"format": FORMAT, "step": state.step, "seconds": state.seconds, "parts": parts}
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name, table in {**networks, "state": tensors}.items():
            packed = save({key: _own(value) for key, value in table.items()})
            (temporary / f"{name}.safetensors").write_bytes(packed)  # not save_file, which hides what the system says
        (temporary / "state.json").write_text(json.dumps(values) + "\n", encoding="utf-8")


def read_tensors(folder: Path, name: str) -> Tensors:
    """The tensors of ``NAME.safetensors`` in a checkpoint, on the CPU. Raises RunError where it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    path = folder / f"{name}.safetensors"
    try:
        with reading(path), path.open("rb"):  # safetensors says of what may not be read that it is not there
            pass
        return load_file(path) if _is_utf8(path) else load(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path} is missing; the checkpoint is not whole: {_others(folder)}") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); {_others(folder)}") from None


def read_state(folder: Path) -> State:
    """The state of a checkpoint. Raises RunError where it is missing or damaged."""
    path = folder / "state.json"
    try:
        with reading(path):
            values = json.loads(path.read_text(encoding="utf-8-sig"))
        step, seconds, written = int(values["step"]), float(values["seconds"]), values.get("format", 1)
    except FileNotFoundError:
        raise RunError(f"{path} is missing; the checkpoint is not whole: {_others(folder)}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} cannot be read ({error}); {_others(folder)}") from None
    if not isinstance(written, int) or written > FORMAT:
        raise RunError(f"{path} was written by a newer zoo (format {written}); upgrade zoo to read it")
    tensors = read_tensors(folder, "state")
    try:
        if written == 1:
            return State(step, seconds, format1.parts_of(values, tensors))
        return State(step, seconds, {name: unpack(part, tensors) for name, part in values["parts"].items()})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise RunError(f"the state in {folder} is damaged: {reason}; {_others(folder)}") from None


def load_network(network: nn.Module, tensors: Tensors, path: Path, architecture: str) -> None:
    """Copy `tensors` into the network, all of them, each of its shape. Raises RunError that says what does not fit."""
    wanted = network.state_dict()
    missing, surplus = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    shapes = [
        f"{key} is {tuple(tensors[key].shape)}, not {tuple(wanted[key].shape)}"
        for key in sorted(wanted.keys() & tensors.keys())
        if wanted[key].shape != tensors[key].shape
    ]
    problems = []
    if missing:
        problems.append(f"it lacks {_some(missing)}")
    if surplus:
        problems.append(f"it has {_some(surplus)}, which this network has not")
    if shapes:
        problems.append(_some(shapes))
    if problems:
        raise RunError(
            f"{path} does not fit {architecture!r} as config.json describes it: {'; '.join(problems)}. "
            "Is it of another architecture, or of other options?"
        )
    network.load_state_dict(tensors)


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """The whole checkpoints of a run's ``checkpoints`` folder by step, oldest first."""
    found = []
    for path in _steps(folder):
        match = re.fullmatch(r"step-(\d+)", path.name)
        if match and all((path / file).is_file() for file in _FILES):
            found.append((int(match[1]), path))
    return sorted(found)


def lacking(folder: Path) -> str:
    """What the newest of the checkpoints that are not whole lacks: ``step-00001000 lacks state.json``; empty for none."""
    found = sorted(path for path in _steps(folder) if path.is_dir() and re.fullmatch(r"step-(\d+)", path.name))
    missing = [file for file in _FILES if not (found[-1] / file).is_file()] if found else []
    return f"{found[-1].name} lacks {', '.join(missing)}" if missing else ""


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints."""
    for _, path in checkpoints(folder)[:-keep]:
        shutil.rmtree(path, ignore_errors=True)


def _steps(folder: Path) -> list[Path]:
    """What lies in a folder of checkpoints under the name of one. Raises RunError where that may not be read."""
    with reading(folder):
        try:
            found = [folder / name for name in sorted(os.listdir(folder)) if name.startswith("step-")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        for path in found:
            refuse_denied(path)
    return found


def _is_utf8(path: Path) -> bool:
    """Whether the name of a file is text, which is all that safetensors takes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _own(value: Tensor) -> Tensor:
    """A tensor's values in memory of their own: safetensors refuses two names for one memory, as tied weights have."""
    import torch

    return value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _others(folder: Path) -> str:
    others = [path.name for _, path in checkpoints(folder.parent) if path != folder]
    if others:
        return f"an earlier one is whole: {', '.join(others)}; remove {folder.name} to use it"
    return "no other checkpoint is left; train again"
