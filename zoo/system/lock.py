"""A lock between processes, on a file: whoever holds it works alone on what lies beside it.

It is the system's own (flock, or a locked byte on Windows): the system lets go of it when a process ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE = 0.1  # seconds between two tries; short beside what is waited for, and Ctrl-C is heard at once
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""How a lock's file is opened: no link is followed, and no named pipe waited for."""

_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


class FileLock:
    """The lock that a file stands for: held from `take` until `release` or the end of this process.

    Processes that this one starts do not hold it with it, forked ones neither: it is free once this one is gone. Two of these in
    one process exclude each other, too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.supported = True
        """Whether the file system has locks; some of those of networks have none, and `take` then holds nothing."""
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it; False where another holds it. Raises OSError where the file cannot be made, or is no file."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, 0o666)
            kept = False
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
                taken = _take(descriptor)
                if taken is False:
                    return False
                # Who held it before may have removed the file meanwhile: then this is a lock on a file that nobody else finds.
                kept = taken is None or _is_at(descriptor, self.path)
            finally:
                if not kept:
                    os.close(descriptor)
            if kept:
                self._descriptor, self.supported = descriptor, taken is not None
                _held.add(self)
                return True

    def confirm(self) -> bool:
        """Whether it is still held. Where a person has removed the file, it is made and taken again, if nobody else has it."""
        if self._descriptor is None or _is_at(self._descriptor, self.path):
            return self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None
        return self.take()

    def write(self, content: bytes) -> None:
        """Put something into the file for others to read, in place of what is there. Raises OSError where that fails."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, content)

    def release(self, remove: bool = False) -> None:
        """Let go of it, and `remove` the file; nothing where it is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        _held.discard(self)
        if remove and os.name != "nt" and _is_at(descriptor, self.path):  # before another can take it
            self._remove()
        _release(descriptor)
        os.close(descriptor)
        if remove and os.name == "nt":  # where a file that is open stays
            self._remove()

    def _remove(self) -> None:
        with suppress(OSError):
            self.path.unlink()

    def _forget(self) -> None:
        """In a process that was forked: what it holds is its parent's."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def locked(path: Path, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock that the file `path` stands for; `on_wait` is called once where another process holds it.

    Where the file system has no locks, as some of those of networks, nothing is held. Raises OSError where the file cannot be made.
    """
    lock = FileLock(path)
    waited = False
    while not lock.take():
        if not waited:
            waited = True
            on_wait()
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool | None:
    """Whether somebody holds the lock of a file; None where that cannot be told. Nothing is made, and nobody kept waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _AS_IT_IS)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        taken = _take(descriptor, shared=True)
        return None if taken is None else not taken
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that is found at the path."""
    try:
        other = os.open(path, os.O_RDONLY | _AS_IT_IS)  # a network's file system remembers for a while what stat says
    except FileNotFoundError:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), os.fstat(other))
    finally:
        os.close(other)


def _forget_all() -> None:
    for lock in list(_held):
        lock._forget()
    _held.clear()


if os.name == "nt":
    import msvcrt

    _BYTE = 1 << 30  # the byte that is locked, far behind what is in the file: others can read that

    def _take(descriptor: int, shared: bool = False) -> bool | None:
        """Take the lock; False where another holds it, None where there are no locks."""
        try:
            os.lseek(descriptor, _BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except PermissionError:
            return False
        except OSError:
            return None
        if shared:
            _release(descriptor)
        return True

    def _release(descriptor: int) -> None:
        with suppress(OSError):
            os.lseek(descriptor, _BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _take(descriptor: int, shared: bool = False) -> bool | None:
        """Take the lock; False where another holds it, None where there are no locks."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True

    def _release(descriptor: int) -> None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    os.register_at_fork(after_in_child=_forget_all)
