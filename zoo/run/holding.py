"""A run is trained by one process at a time: it holds the lock of ``RUN/.lock``, which says who it is. Readers take no notice."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from zoo.errors import RunError
from zoo.run.files import reading, writing
from zoo.run.items import refuse_links, sweep
from zoo.system.lock import FileLock, is_held
from zoo.system.parsing import parse_json
from zoo.system.reading import read_plain

log = logging.getLogger(__name__)

LOCK = ".lock"
"""The file in a run's folder. It goes when the run is let go of; one that a killed process has left is taken over."""

_TRIES, _PAUSE = 20, 0.02  # whoever lists runs has the lock for a moment, as there is no other way to ask for it


@dataclass(frozen=True)
class Holder:
    """The process that trains a run."""

    pid: int | None = None
    host: str = ""
    since: str = ""
    """When it began, as ISO 8601 with the offset from UTC."""

    def __str__(self) -> str:
        if self.pid is None:
            return "another process"
        who = "this very process" if self.is_me else f"process {self.pid} on {self.host}"
        return f"{who} (since {self.since[:16].replace('T', ' ')})"

    @property
    def is_me(self) -> bool:
        """Whether it is this process."""
        return (self.pid, self.host) == (os.getpid(), socket.gethostname())


@dataclass(frozen=True)
class Held:
    """That this process holds a run."""

    lock: FileLock
    content: bytes
    """What its file says."""

    def confirm(self) -> None:
        """Raise RunError where another process has taken the run, which can be where a person has removed the lock's file."""
        path = self.lock.path.parent
        if not path.is_dir():
            return  # of which whoever writes tells
        with writing(self.lock.path):
            held = self.lock.confirm()
        if not held:
            raise RunError(
                f"{path} is trained by {holder(path) or Holder()} too, as {self.lock.path} was removed: this training ends without "
                "writing more. Let the other one go on, or end both and go on from a checkpoint that both have (zoo verify)"
            )
        with suppress(OSError):
            self.lock.write(self.content)


@contextmanager
def holding(path: Path, otherwise: str) -> Iterator[Held]:
    """Hold the run in the folder `path`, and remove what a killed process has left half-written in it.

    Raises RunError where another process holds it, with who that is and what to do `otherwise`; where something of the run leads
    out of its folder; and where the folder cannot be written to.
    """
    with reading(path):
        refuse_links(path)
    lock = FileLock(path / LOCK)
    with writing(path / LOCK):
        for _ in range(_TRIES):
            if lock.take():
                break
            time.sleep(_PAUSE)
        else:
            raise RunError(f"{path} is being trained by {holder(path) or Holder()}; {otherwise}")
    try:
        if not lock.supported:
            log.warning(
                "the file system of %s has no locks, so that nothing keeps out a second process: start none while this one trains",
                path,
            )
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        content = (json.dumps(asdict(Holder(os.getpid(), socket.gethostname(), now))) + "\n").encode()
        with suppress(OSError):  # a full disk, of which whoever writes something that counts tells
            lock.write(content)
        sweep(path)
        yield Held(lock, content)
    finally:
        lock.release(remove=True)


def holder(path: Path) -> Holder | None:
    """Who trains the run in the folder `path` now; None where nobody does, or the file system cannot tell."""
    file = path / LOCK
    if not is_held(file):
        return None
    try:
        values = parse_json(read_plain(file))
        pid, host, since = values["pid"], values["host"], values["since"]
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()  # it has just begun, or the disk was full
    known = isinstance(pid, int) and all(isinstance(each, str) and each.isprintable() for each in (host, since))
    return Holder(pid, host[:80], since[:40]) if known else Holder()
