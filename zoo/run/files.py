"""Writes files so that a reader finds either the old one or the whole new one, and says what went wrong in plain words."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.run.items import remove
from zoo.system.disk import Remedies, why_not_written
from zoo.system.reading import not_read


def _elsewhere(mend: str) -> str:
    return f"{mend}, or choose another place with --out" if mend else "choose another place with --out"


_remedies: ContextVar[Remedies] = ContextVar("remedies", default=_elsewhere)


@contextmanager
def advising(remedies: Remedies) -> Iterator[None]:
    """Within it what cannot be written comes with these remedies; by default another --out is one, which not every command has."""
    token = _remedies.set(remedies)
    try:
        yield
    finally:
        _remedies.reset(token)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about writing `path` into a RunError that says what to do."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {why_not_written(error, _remedies.get())}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the system says about reading `path`, or what is in it, into a RunError; that nothing is there is passed on.

    What cannot be read may be whole: the message has no advice against it.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise
    except OSError as error:
        raise RunError(not_read(path, error)) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, of the same suffix, to write to.

    It takes `path`'s place when the block ends well, and goes when not.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    with writing(path):
        try:
            yield temporary
            flush(temporary)
            if temporary.is_dir():
                for file in temporary.iterdir():
                    flush(file)
                if path.exists():
                    discard(path)
            os.replace(temporary, path)
            flush(path.parent)
        except BaseException:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise


def discard(path: Path) -> None:
    """Remove a folder, or a link to one. It is moved away before it is deleted, so that nobody meets half of it.

    Raises OSError where it cannot be moved.
    """
    grave = path.with_name(f".{path.stem}-old.{os.getpid()}.part")
    remove(grave)
    os.replace(path, grave)
    remove(grave)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        # A file name that is no UTF-8 has half characters, which JSON writes as backslashreplace does.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def flush(path: Path) -> None:
    """Make the system put the file (or the folder's list of names) on the disk, as far as it can here."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free(path: Path) -> Path:
    """The path, or with a number behind it where there is something already."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())
