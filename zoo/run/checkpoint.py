"""Checkpoints: folders of safetensors files and JSON, written whole or not at all, read without pickle."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.run import format1
from zoo.run.files import discard, reading, replacing
from zoo.run.packing import pack, unpack
from zoo.run.record import DamagedError, Record
from zoo.system.names import shown
from zoo.system.reading import is_file, is_folder, open_plain, refuse_unreadable

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
        folder.parent.mkdir(exist_ok=True)
        temporary.mkdir()
        for name, table in {**networks, "state": tensors}.items():
            packed = save({key: _own(value) for key, value in table.items()})
            (temporary / f"{name}.safetensors").write_bytes(packed)  # not save_file, which hides what the system says
        (temporary / "state.json").write_text(json.dumps(values) + "\n", encoding="utf-8")


def read_tensors(folder: Path, name: str) -> Tensors:
    """The tensors of ``NAME.safetensors`` in a checkpoint, on the CPU. Raises RunError where it is missing or damaged."""
    with _with_advice(folder):
        return _tensors(folder, name)


def read_state(folder: Path) -> State:
    """The state of a checkpoint. Raises RunError where it is missing or damaged, or of another step than its folder."""
    with _with_advice(folder):
        return _state(folder)


@contextmanager
def _with_advice(folder: Path) -> Iterator[None]:
    """What is damaged in a checkpoint, with what to do: which of the others is whole."""
    try:
        yield
    except DamagedError as error:
        raise RunError(f"{error}; {_others(folder)}") from None


def _tensors(folder: Path, name: str) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    path = folder / f"{name}.safetensors"
    try:
        with reading(path):
            with open_plain(path):  # safetensors says of what may not be read that it is not there
                pass
            return load_file(path) if _is_utf8(path) else load(path.read_bytes())
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing") from None
    except (
        SafetensorError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # the last is torch's, which opens it once more
        raise DamagedError(f"{path} cannot be read ({shown(str(error))})") from None


def _state(folder: Path) -> State:
    path = folder / "state.json"
    try:
        with reading(path):
            record = Record.read(path)
        step, seconds = record.need("step", int), float(record.need("seconds", float))
        written = record.may("format", int) or 1
        if _step_of(folder) not in (None, step):
            raise DamagedError(f"it says step {step}, and lies in {folder.name}")
        if written <= FORMAT and written != 1:
            record.need("parts", dict)
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing") from None
    except DamagedError as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if written > FORMAT:
        raise RunError(f"{path} was written by a newer zoo (format {written}); upgrade zoo to read it")
    tensors = _tensors(folder, "state")
    values = record.content
    try:
        if written == 1:
            return State(step, seconds, format1.parts_of(values, tensors))
        return State(step, seconds, {name: unpack(part, tensors) for name, part in values["parts"].items()})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise DamagedError(f"the state in {folder} is damaged: {shown(reason)}") from None


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
    while True:
        listed = _steps(folder)
        found = []
        for path in listed:
            step = _step_of(path)
            with reading(path):
                if step is not None and all(is_file(path / file) for file in _FILES):
                    found.append((step, path))
        if all(map(os.path.lexists, listed)):
            return sorted(found)  # else one was pruned in the meantime, after a newer one was written


def lacking(folder: Path) -> str:
    """What the newest checkpoint lacks, if it is not whole: ``step-00001000 lacks state.json``; empty where it is."""
    with reading(folder):
        found = [(step, path) for path in _steps(folder) if is_folder(path) and (step := _step_of(path)) is not None]
        if not found:
            return ""
        _, newest = max(found)
        missing = [file for file in _FILES if not is_file(newest / file)]
    return f"{newest.name} lacks {', '.join(missing)}" if missing else ""


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints. Who reads one meanwhile finds all of it or nothing."""
    for _, path in checkpoints(folder)[:-keep]:
        with suppress(OSError):  # on Windows, a file that somebody reads: the next time, then
            discard(path)


def _steps(folder: Path) -> list[Path]:
    """What lies in a folder of checkpoints under the name of one. Raises RunError where that may not be read."""
    with reading(folder):
        try:
            found = [folder / name for name in sorted(os.listdir(folder)) if name.startswith("step-")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        for path in found:
            refuse_unreadable(path)
    return found


def _is_utf8(path: Path) -> bool:
    """Whether the name of a file is text, which is all that safetensors takes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _step_of(folder: Path) -> int | None:
    """The step that a checkpoint's folder is named after; None for a folder of another name."""
    match = re.fullmatch(r"step-(\d+)", folder.name)
    return int(match[1]) if match else None


def _own(value: Tensor) -> Tensor:
    """A tensor's values in memory of their own: safetensors refuses two names for one memory, as tied weights have."""
    import torch

    return value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _some(names: list[str]) -> str:
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _others(folder: Path) -> str:
    """What to do in place of a damaged checkpoint: which other one can be read, looked at from the newest on."""
    found = [path for _, path in checkpoints(folder.parent)]
    whole = next((path for path in reversed(found) if path != folder and _is_readable(path)), None)
    if whole is None:
        return f"no other checkpoint {'can be read' if {*found} - {folder} else 'is left'}; train again"
    newer = [path.name for path in found[found.index(whole) + 1 :]]
    if not newer:
        return f"{whole.name} is whole"
    return f"an earlier one is whole: {whole.name}; rename {' and '.join(newer)} (to {newer[0]}.damaged, say) to use it"


def _is_readable(folder: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        _state(folder)
        for name in ("generator", "discriminator"):
            with safe_open(folder / f"{name}.safetensors", "pt"):  # which looks whether it is as long as it says
                pass
    except (DamagedError, RunError, SafetensorError, OSError, ValueError):
        return False
    return True
