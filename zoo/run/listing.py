"""The runs below a folder, each with how far it is and whether a process trains it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.run.holding import LOCK, Holder
from zoo.run.journal import last_step
from zoo.run.packing import unpack
from zoo.run.run import Run
from zoo.system.lock import is_held
from zoo.system.parsing import parse_json
from zoo.system.reading import read_plain


@dataclass(frozen=True)
class Listed:
    """A run at a glance; one whose config.json cannot be read has the state damaged, and little else."""

    path: Path
    state: str
    """running, finished, stopped, or damaged; unknown where the file system has no locks to tell by, or it
    cannot be read."""
    step: int = 0
    """The last that was logged, or that a checkpoint holds."""
    steps: int | None = None
    """How many it is to have."""
    architecture: str = ""
    data: str = ""
    written: float | None = None
    """When it last wrote something, in seconds since 1970."""
    holder: Holder | None = None
    """The process that trains it."""


def runs_below(folder: Path) -> Iterator[Listed]:
    """The runs in a folder and the folders below it, by path; links are not followed, and hidden folders not looked into.

    The folder may be a run itself. Raises RunError where there is no such folder.
    """
    if not folder.is_dir():
        raise RunError(
            f"there is no folder {folder}; give the one that the runs are in (zoo train NAME puts them into runs)"
        )
    for place, folders, files in os.walk(folder):
        if "config.json" in files:
            folders.clear()
            yield _listed(Path(place))
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _listed(path: Path) -> Listed:
    written = max(
        filter(None, (_time(path / name) for name in ("config.json", "metrics.jsonl", "checkpoints"))), default=None
    )
    try:
        run = Run(path)
        checkpoints = run.checkpoints
    except RunError as error:
        unread = isinstance(error.__cause__, OSError)  # and may be whole
        return Listed(path, "unknown" if unread else "damaged", written=written)
    saved = checkpoints[-1][0] if checkpoints else 0
    steps = _of(run.config, "steps", int)
    held, holder = is_held(path / LOCK), run.holder
    if holder is not None:
        state = "running"
    elif (steps is not None and saved >= steps) or _ended_early(run, checkpoints):
        state = "finished"
    elif held is not False:
        state = "unknown"
    else:
        state = "damaged" if not checkpoints and _is_refused(run) else "stopped"
    step = max(saved, last_step(path / "metrics.jsonl") or 0)
    title = _of(_of(run.config, "data", dict) or {}, "title", str) or ""
    return Listed(path, state, step, steps, run.architecture, title, written, holder)


def _ended_early(run: Run, checkpoints: list[tuple[int, Path]]) -> bool:
    """Whether it came to its end before its last step, as nothing was gained for long (``--stop-after-no-gain``)."""
    options = _of(run.config, "options", dict) or {}
    patience = _of(options, "stop_after_no_gain", int) or 0
    if patience < 1 or not checkpoints:
        return False
    with suppress(OSError, ValueError, KeyError, TypeError):
        state = parse_json(read_plain(checkpoints[-1][1] / "state.json"))
        return bool(unpack(state["parts"]["evaluation"], {})["without_gain"] >= patience)
    return False


def _is_refused(run: Run) -> bool:
    """Whether a run without checkpoints cannot be gone on with, as it was finished."""
    try:
        run.start()
    except RunError:
        return True
    return False


def _of(values: dict[str, Any], name: str, kind: type) -> Any:
    value = values.get(name)
    return value if isinstance(value, kind) else None


def _time(path: Path) -> float | None:
    with suppress(OSError):
        return path.stat().st_mtime
    return None
