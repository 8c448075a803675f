"""Checkpoints: folders of safetensors files and JSON, written whole or not at all, read without pickle."""

from __future__ import annotations

import functools
import os
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import RunError
from zoo.run import format1
from zoo.run.files import discard, free, reading, replacing, writing
from zoo.run.finite import not_finite
from zoo.run.marks import is_kept
from zoo.run.packing import unpack
from zoo.run.record import DamagedError, Record
from zoo.run.snapshot import EMA_WEIGHTS, NotFiniteError, Snapshot, State, take_snapshot
from zoo.run.written import Written, checked, written
from zoo.system.digest import seal, sealed
from zoo.system.names import shown
from zoo.system.reading import is_file, is_folder, open_plain, read_plain, refuse_unreadable

if TYPE_CHECKING:
    from torch import Tensor, nn

    Tensors = dict[str, Tensor]

FORMAT = 3
"""The version of a checkpoint's layout; those of the formats 1 and 2, which have no digests, are read too."""

ROLES = ("generator", "discriminator")

_FILES = (*(f"{role}.safetensors" for role in ROLES), "state.safetensors", "state.json")


def write_checkpoint(folder: Path, networks: Mapping[str, Tensors], state: State) -> None:
    """Write a checkpoint at `folder`: both networks' state dicts and the state. Raises RunError where that fails."""
    try:
        snapshot = take_snapshot(networks, state)
    except NotFiniteError as error:
        raise NotFiniteError(f"{error} at step {state.step}: no checkpoint is written") from None
    write_snapshot(folder, snapshot)


def write_snapshot(folder: Path, snapshot: Snapshot, before_visible: Callable[[], object] = lambda: None) -> None:
    """Write a checkpoint at `folder` from a copy of the state. Raises RunError where that fails.

    `before_visible` is called when all files are written and the folder has not got its name yet: what is to be on the disk
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
            files[f"{name}.safetensors"] = asdict(Written.of(packed))
            del packed
        values = {"format": FORMAT, "step": snapshot.step, "seconds": snapshot.seconds, "files": files}
        (temporary / "state.json").write_bytes(sealed({**values, "parts": snapshot.parts}))
        before_visible()


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
            said = written(record, path.name)
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
        record, kept = Record.of(content), seal(content)
        if kept == "broken":
            raise DamagedError("it is not what was written, its digest (SHA-256) is another")
        step, form = record.need("step", int), record.may("format", int) or 1
        record.need("seconds", float)
        if _step_of(folder) not in (None, step):
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
    """What is wrong with a checkpoint, all of its files read: a line for each; none where it is whole."""
    found = []
    readers: list[Callable[[], object]] = [lambda: _state(folder)]
    readers += [functools.partial(_tensors, folder, role) for role in ROLES]
    for read in readers:
        try:
            read()
        except RunError as error:  # it may not be read, or is of a newer zoo: all of it
            return [str(error)]
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


def prune(folder: Path, keep: int, spared: Collection[int] = ()) -> None:
    """Remove all but the newest `keep` checkpoints, those that are marked, and of each step of `spared` the newest up to it.

    Who reads one finds all of it or nothing.
    """
    found = checkpoints(folder)
    needed = {max((step for step, _ in found if step <= each), default=-1) for each in spared}
    for step, path in found[:-keep]:
        if step not in needed and not is_kept(path):
            with suppress(OSError):  # on Windows, a file that somebody reads: the next time, then
                discard(path)


def set_aside(folder: Path, step: int, ending: str = "aside") -> list[tuple[str, str]]:
    """Rename the checkpoints after `step`, which are none any more then: to ``step-00001000.damaged`` or, whole ones, `ending`.

    Returns the old names and the new ones. Nothing of zoo's removes them. Raises RunError where they cannot be renamed.
    """
    renamed = []
    for path in _steps(folder):
        found = _step_of(path)
        if found is None or found <= step:
            continue
        name = f"{path.name}.{'damaged' if damage(path) else ending}"
        aside = free(folder / name)
        with writing(path):
            path.rename(aside)
        renamed.append((path.name, aside.name))
    return renamed


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


def _type(value: Tensor) -> str:
    """A tensor's type, as float32."""
    return str(value.dtype).removeprefix("torch.")


def _some(names: list[str]) -> str:
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _others(folder: Path) -> str:
    """What to do in place of a damaged checkpoint: which other one can be read, looked at from the newest on."""
    found = [path for _, path in checkpoints(folder.parent)]
    run = shlex.quote(str(folder.parent.parent))
    whole = next((path for path in reversed(found) if path != folder and not damage(path)), None)
    if whole is None:
        none = f"no other checkpoint {'can be read' if {*found} - {folder} else 'is left'}"
        return f"{none}; move {folder.parent} elsewhere, and zoo resume {run} begins again at step 0"
    if whole == found[-1]:
        return f"{whole.name} is whole"
    return (
        f"an earlier one is whole: zoo resume {run} --from {whole.name} (or --recover) goes on from it, zoo sample {run} "
        f"--step {_step_of(whole)} draws with it"
    )
