"""A lock between processes, on a file: whoever holds it works alone on what lies beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_PAUSE = 0.1  # seconds between two tries; short beside what is waited for, and Ctrl-C is heard at once


@contextmanager
def locked(path: Path, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock that the file `path` stands for; `on_wait` is called once where another process holds it.

    The system lets go of it when a process ends, however it ends. Where the file system has no locks, as some of those of networks,
    nothing is held. Raises OSError where the file cannot be made.
    """
    with path.open("ab") as file:
        waited = False
        while not _take(file):
            if not waited:
                waited = True
                on_wait()
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            _release(file)


if os.name == "nt":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        """Take the lock; False where another holds it."""
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except PermissionError:
            return False
        except OSError:
            return True
        return True

    def _release(file: IO[bytes]) -> None:
        with suppress(OSError):
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        """Take the lock; False where another holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _release(file: IO[bytes]) -> None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
