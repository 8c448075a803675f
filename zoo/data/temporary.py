"""Temporary folders of a cache that several processes share: each is held by who made it, and what nobody holds is removed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.data.cache import new_name
from zoo.system.lock import FileLock

_PREFIX = ".tmp-"
_LOCK = ".lock"
_ABANDONED = (
    24 * 3600
)  # seconds without a write after which a folder without a lock, of an earlier zoo, belongs to nobody


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """A new folder in `place`, which is there already; what is left of it when the block ends is removed.

    ``.tmp-NAME.lock`` beside it is held meanwhile, so that `sweep` leaves it alone. Raises OSError where it cannot be made.
    """
    while True:
        folder = new_name(place)
        folder.mkdir()
        lock = FileLock(folder.with_name(folder.name + _LOCK))
        try:
            held = lock.take()
        except BaseException:
            folder.rmdir()
            raise
        if held and folder.is_dir():
            break
        lock.release(remove=True)  # somebody who swept was quicker
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release(remove=True)


def sweep(place: Path) -> None:
    """Remove the temporary folders that killed processes have left in `place`."""
    names = set()
    with suppress(OSError):
        names = {name for name in os.listdir(place) if name.startswith(_PREFIX)}
    for name in sorted(name for name in names if name.endswith(_LOCK)):
        with suppress(OSError):
            _remove_unheld(place / name.removesuffix(_LOCK), FileLock(place / name))
    for name in sorted(name for name in names if not name.endswith(_LOCK) and name + _LOCK not in names):
        _remove_old(place / name)


def _remove_unheld(folder: Path, lock: FileLock) -> None:
    if not lock.take():
        return
    if lock.supported:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release(remove=True)
    else:
        lock.release()
        _remove_old(folder)


def _remove_old(folder: Path) -> None:
    """Remove a folder of which nothing tells whether somebody writes to it, if nobody has for long."""
    with suppress(OSError):
        newest = max(path.stat().st_mtime for path in [folder, *folder.iterdir()])
        if newest < time.time() - _ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_name(folder.name + _LOCK).unlink(missing_ok=True)
