"""A disk that fails: the n-th time that anything below a folder is looked at, opened or read, the system says an error."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Disk:
    """Counts what is done below a folder, and fails once."""

    def __init__(self, folder: Path, number: int | None = None, at: int = 0) -> None:
        """`number`: the error's; None for none. `at`: which call fails, from 1 on."""
        self.folder = os.path.realpath(folder)
        self.number, self.at = number, at
        self.calls = 0
        self.failed = ""
        """The path of what failed."""

    def touch(self, path: object) -> None:
        """One more call for that path."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.abspath(os.fsdecode(path))
        if not (name == self.folder or name.startswith(self.folder + os.sep)):
            return
        self.calls += 1
        if self.number is not None and self.calls == self.at:
            self.failed = name
            raise OSError(self.number, os.strerror(self.number), os.fsdecode(path))


class _File(io.FileIO):
    """A file that is read from a disk."""

    disk: Disk

    def readinto(self, buffer: Any) -> int | None:
        self.disk.touch(self.name)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self.disk.touch(self.name)
        return super().readall()


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """Within it reading goes through `disk`; what is written does not."""
    plain_open = builtins.open

    def opening(file: Any, mode: str = "r", buffering: int = -1, *more: Any, **keywords: Any) -> Any:
        if not isinstance(file, str | bytes | os.PathLike) or set(mode) & set("wax+"):
            return plain_open(file, mode, buffering, *more, **keywords)
        disk.touch(file)
        raw = _File(os.fspath(file), "r", opener=keywords.get("opener"))
        raw.disk = disk
        if buffering == 0:
            return raw
        buffered = io.BufferedReader(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *more[:3], **_text(keywords))

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **keywords: Any) -> Any:
            disk.touch(path)
            return function(path, *arguments, **keywords)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "open", opening)
        patch.setattr(io, "open", opening)
        for name in ("stat", "scandir", "listdir"):
            patch.setattr(os, name, guarded(getattr(os, name)))
        yield disk


def _text(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: keywords[name] for name in ("encoding", "errors", "newline") if name in keywords}
