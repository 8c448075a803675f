"""Checkpoints: folders of safetensors files and JSON, written whole or not at all, read without pickle."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import RunError
from zoo.run import format1
from zoo.run.checkpoint_list import ROLES, checkpoints, step_of
from zoo.run.file_record import FileRecord, checked, recorded
from zoo.run.files import reading, replacing
from zoo.run.finite import not_finite
from zoo.run.packing import unpack
from zoo.run.record import DamagedError, Record
from zoo.run.snapshot import EMA_WEIGHTS, NotFiniteError, Snapshot, State, take_snapshot
from zoo.system.digest import digest_state, with_digest
from zoo.system.names import shown
from zoo.system.reading import open_plain, read_plain

if TYPE_CHECKING:
    from torch import Tensor, nn

    Tensors = dict[str, Tensor]

FORMAT = 3
"""The version of a checkpoint's layout; those of the formats 1 and 2, which have no digests, are read too."""


def write_checkpoint(folder: Path, networks: Mapping[str, Tensors], state: State) -> None:
    """Write a checkpoint at `folder`: both networks' state dicts and the state. Raises RunError where that fails."""
    try:
        snapshot = take_snapshot(networks, state)
    except NotFiniteError as error:
        raise NotFiniteError(f"{error} at step {state.step}: no checkpoint is written") from None
    write_snapshot(folder, snapshot)


def write_snapshot(folder: Path, snapshot: Snapshot, before_commit: Callable[[], object] = lambda: None) -> None:
    """Write a checkpoint at `folder` from a copy of the state. Raises RunError where that fails.

    `before_commit` is called when all files are written and the folder has not got its name yet: what is to be on the disk
    before the checkpoint is.
    """
    from safetensors.torch import save

    files = {}
    with replacing(folder) as temporary:
        folder.parent.mkdir(exist_ok=True)
        temporary.mkdir()
        for name, table in snapshot.tables.items():
            packed = save(table)  # not save_file, which hides what the system says
            (temporary / f"{name}.safetensors").write_bytes(packed)
            files[f"{name}.safetensors"] = asdict(FileRecord.of(packed))
            del packed
        values = {"format": FORMAT, "step": snapshot.step, "seconds": snapshot.seconds, "files": files}
        (temporary / "state.json").write_bytes(with_digest({**values, "parts": snapshot.parts}))
        before_commit()


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
        record = _record(folder)
        try:
            said = recorded(record, path.name)
        except DamagedError as error:
            raise DamagedError(
                f"{folder / 'state.json'} does not say what {path.name} was written as: {error}"
            ) from None
        with reading(path):
            with open_plain(path):  # safetensors says of what may not be read that it is not there
                pass
            with checked(path, said):
                tensors: Tensors = load_file(path) if _is_utf8(path) else load(path.read_bytes())
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing") from None
    except DamagedError:
        raise
    except (
        SafetensorError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # the last is torch's, which opens it once more
        raise DamagedError(f"{path} cannot be read ({shown(str(error))})") from None
    if reason := not_finite(tensors, weights=EMA_WEIGHTS if name == "state" else ""):
        raise DamagedError(f"{path} is of a training that had diverged: {shown(reason)}")
    return tensors


def _record(folder: Path) -> Record:
    """What state.json holds, as it was written. Raises DamagedError where it is not that, RunError where it may not be read."""
    path = folder / "state.json"
    try:
        with reading(path):
            content = read_plain(path)
        record, kept = Record.of(content), digest_state(content)
        if kept == "broken":
            raise DamagedError("it is not what was written, its checksum (SHA-256) does not match")
        step, form = record.need("step", int), record.may("format", int) or 1
        record.need("seconds", float)
        if step_of(folder) not in (None, step):
            raise DamagedError(f"it says step {step}, and lies in {folder.name}")
        if form <= FORMAT and form != 1:
            record.need("parts", dict)
        if form == FORMAT and kept == "none":
            raise DamagedError("its digest is missing")
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing") from None
    except IsADirectoryError:
        raise DamagedError(f"{path} cannot be read: it is a folder, not a file") from None
    except DamagedError as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if form > FORMAT:
        raise RunError(f"{path} was written by a newer zoo (format {form}); upgrade zoo to read it")
    return record


def _state(folder: Path) -> State:
    record, tensors = _record(folder), _tensors(folder, "state")
    values, step, seconds = record.content, record.need("step", int), float(record.need("seconds", float))
    try:
        if (record.may("format", int) or 1) == 1:
            return State(step, seconds, format1.parts_of(values, tensors))
        return State(step, seconds, {name: unpack(part, tensors) for name, part in values["parts"].items()})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise DamagedError(f"the state in {folder} is damaged: {shown(reason)}") from None


def damage(folder: Path) -> list[str]:
    """What is wrong with a checkpoint, all of its files read: a line for each; none where it is whole.

    Raises RunError where that cannot be told: the system does not let it be read, or a newer zoo wrote it.
    """
    found = []
    readers: list[Callable[[], object]] = [lambda: _state(folder)]
    readers += [functools.partial(_tensors, folder, role) for role in ROLES]
    for read in readers:
        try:
            read()
        except DamagedError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def load_network(network: nn.Module, tensors: Tensors, path: Path, architecture: str) -> None:
    """Copy `tensors` into the network, all of them, each of its shape. Raises RunError that says what does not fit."""
    wanted = network.state_dict()
    missing, surplus = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    common = sorted(wanted.keys() & tensors.keys())
    shapes = [
        f"{key} is {tuple(tensors[key].shape)}, not {tuple(wanted[key].shape)}"
        for key in common
        if wanted[key].shape != tensors[key].shape
    ]
    types = [
        f"{key} is {_type(tensors[key])}, not {_type(wanted[key])}"
        for key in common
        if wanted[key].dtype != tensors[key].dtype
    ]
    problems = []
    if missing:
        problems.append(f"it lacks {_some(missing)}")
    if surplus:
        problems.append(f"it has {_some(surplus)}, which this network has not")
    if shapes:
        problems.append(_some(shapes))
    if types:
        problems.append(_some(types))
    if problems:
        raise RunError(
            f"{path} does not fit {architecture!r} as config.json describes it: {'; '.join(problems)}. "
            "Is it of another architecture, or of other options?"
        )
    network.load_state_dict(tensors)


def _is_utf8(path: Path) -> bool:
    """Whether the name of a file is text, which is all that safetensors takes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _type(value: Tensor) -> str:
    """A tensor's type, as float32."""
    return str(value.dtype).removeprefix("torch.")


def _some(names: list[str]) -> str:
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _is_whole(folder: Path) -> bool:
    try:
        return not damage(folder)
    except RunError:
        return False


def _others(folder: Path) -> str:
    """What to do in place of a damaged checkpoint: which other one can be read, looked at from the newest on."""
    found = [path for _, path in checkpoints(folder.parent)]
    run = shlex.quote(str(folder.parent.parent))
    whole = next((path for path in reversed(found) if path != folder and _is_whole(path)), None)
    if whole is None:
        none = f"no other checkpoint {'can be read' if {*found} - {folder} else 'is left'}"
        if (
            folder.parent.parent / "samples.gif"
        ).exists():  # its training has come to its end, and would not begin again
            return f"{none}; put one back from a copy, or train again with another --out"
        return f"{none}; move {folder.parent} elsewhere, and zoo resume {run} begins again at step 0"
    if whole == found[-1]:
        return f"{whole.name} is whole"
    return (
        f"an earlier one is whole: zoo resume {run} --from {whole.name} (or --recover) goes on from it, zoo sample {run} "
        f"--step {step_of(whole)} draws with it"
    )
