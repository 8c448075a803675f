"""Trouble at the k-th thing that a process does to the file system: it is killed there, or the system refuses from there on.

What is counted is everything below one folder that Python tells its audit hooks of (open, rename, remove, mkdir, …), and fsync, the
writing of a whole file, and of a line of the journal: in the last two the process dies when half is written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.utime", "os.chmod",
     "os.listdir", "os.scandir", "shutil.rmtree", "shutil.move", "shutil.copyfile"}
)  # fmt: skip
CHANGES = EVENTS - {"os.listdir", "os.scandir", "shutil.copyfile"}
"""What a disk that is full or read-only refuses; of `open`, that for writing."""


@dataclass
class Trouble:
    """Counts what happens below `place`, and does `harm` (given whether half could be written first) from the `at`-th on."""

    place: str
    at: int = 0
    """0: never."""
    harm: Callable[[], object] = lambda: None
    once: bool = True
    changes_only: bool = False
    """Whether only what changes something is counted."""
    count: int = 0
    busy: bool = False

    def install(self) -> None:
        """Begin to count, in this process, for ever."""
        sys.addaudithook(self._hear)
        fsync = os.fsync

        def counted_fsync(descriptor: Any) -> None:
            if not self.busy:
                self._happen()
            fsync(descriptor)

        os.fsync = counted_fsync
        self._halve(Path, "write_bytes")
        self._halve(Path, "write_text")
        self._halve_journal()

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.busy or event not in (CHANGES if self.changes_only else EVENTS):
            return
        if event == "open" and self.changes_only and not (isinstance(arguments[2], int) and arguments[2] & 3):
            return
        path = arguments[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(self.place):
            self._happen()

    def _happen(self) -> None:
        self.count += 1
        if self.at and (self.count == self.at if self.once else self.count >= self.at):
            self.busy = True
            try:
                self.harm()
            finally:
                self.busy = False

    def _halve(self, owner: Any, name: str) -> None:
        """Count a method that writes its first argument to a file; harm comes when half of it is there."""
        whole = getattr(owner, name)

        def written(path: Path, content: Any, *rest: Any, **more: Any) -> Any:
            if (
                self.at
                and self.count + 1 == self.at
                and self.harm is die
                and str(path.absolute()).startswith(self.place)
            ):
                self.busy = True
                whole(path, content[: len(content) // 2], *rest, **more)
                self.busy = False
            if str(path.absolute()).startswith(self.place):
                self._happen()
            return whole(path, content, *rest, **more)

        setattr(owner, name, written)

    def _halve_journal(self) -> None:
        from zoo.run.files import writing
        from zoo.run.journal import Journal

        write = Journal.write

        def written(journal: Any, metrics: Any) -> None:
            if self.at and self.count + 1 == self.at and self.harm is die:
                journal._file.write('{"step": 12345, "d_lo')
                journal._file.flush()
            with writing(journal.path):
                self._happen()
            write(journal, metrics)

        Journal.write = written  # type: ignore[method-assign]


def die() -> None:
    """As kill -9 and the kernel's want of memory do."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(number: int) -> Callable[[], object]:
    """A system that refuses with this errno."""

    def harm() -> None:
        raise OSError(number, os.strerror(number))

    return harm
