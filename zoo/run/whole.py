"""Reading a checkpoint of a run that may be training: all files of one step, however often the training prunes meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from zoo.errors import RunError

T = TypeVar("T")

_TRIES = 100


def read_whole(find: Callable[[], tuple[int, Path]], read: Callable[[int, Path], T]) -> T:
    """What `read` makes of the checkpoint (step, folder) that `find` gives. Where that goes meanwhile, both are called again.

    A checkpoint's files never change, and its folder appears and goes in one piece: where it is the same folder before and after,
    all that was read is of one step. Raises what either raises, and RunError where checkpoints go faster than they can be read.
    """
    for _ in range(_TRIES):
        step, folder = find()
        before = _identity(folder)
        try:
            value = read(step, folder)
        except Exception:
            if before is not None and _identity(folder) == before:
                raise  # it is there, and it is what is wrong
        else:
            if before is not None and _identity(folder) == before:
                return value
    raise RunError(
        f"{folder.parent.parent}: its training removes checkpoints faster than they can be read; give the command again, or "
        "train with a higher --keep-checkpoints"
    )


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """What tells a folder from another one that takes its name; None where there is none."""
    with suppress(OSError):
        known = os.stat(folder)
        return known.st_dev, known.st_ino, known.st_mtime_ns
    return None
