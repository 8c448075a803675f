"""Where a new run goes: a folder that is new or empty, made and cleared away."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from zoo.errors import OptionError, RunError
from zoo.run.files import writing
from zoo.run.holding import LOCK, holder
from zoo.run.items import is_part

FOLDERS = ("samples", "checkpoints")
"""Those that a run begins with."""


def check_path(given: object, what: str) -> Path:
    """A path that was given from Python. Raises OptionError for what is none."""
    if not isinstance(given, str | os.PathLike):
        raise OptionError(f"{what} is {given!r}; give a path, as text or pathlib.Path")
    return Path(given)


def expanded(out: Path | str) -> Path:
    """The path with the home directory in the place of ~. Raises RunError where there is none."""
    try:
        return check_path(out, "out").expanduser()
    except RuntimeError:
        raise RunError(
            f"cannot write {out}: that home directory is not known here; write the folder's path in full"
        ) from None


def is_empty(path: Path) -> bool:
    """Whether a folder holds nothing but what a run that was killed as it began has left."""
    left = [each for each in path.iterdir() if each.name != LOCK and not is_part(each)]
    begun = all(each.name in FOLDERS and each.is_dir() and not any(each.iterdir()) for each in left)
    return begun and ((who := holder(path)) is None or who.is_me)


def claim(folder: Path, name: str) -> Path:
    """Make the next free ``folder/NAME-NNN``; two runs that begin together get one each."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            taken = [path.name[len(name) + 1 :] for path in folder.glob(f"{name}-*")]
            number = max((int(suffix) for suffix in taken if suffix.isdigit()), default=0) + 1
            path = folder / f"{name}-{number:03d}"
            try:
                path.mkdir()
                return path
            except FileExistsError:
                continue


def clear(path: Path, folder: bool) -> None:
    """Remove the beginnings of a run; its `folder` too, if that is wanted and nothing else is in it."""
    for name in ("config.json", LOCK):
        with contextlib.suppress(OSError):
            (path / name).unlink()
    for place in (*(path / name for name in FOLDERS), *([path] if folder else [])):
        with contextlib.suppress(OSError):
            place.rmdir()
