"""Writes files so that a reader finds either the old one or the whole new one, and says what went wrong in plain words."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.system.denied import denied

_ADVICE = {
    errno.ENOSPC: "the disk is full; make room, or choose another place with --out",
    errno.EDQUOT: "the disk quota is used up; make room, or choose another place with --out",
    errno.EFBIG: "files of that size are not allowed there; raise the limit, or choose another place with --out",
    errno.EROFS: "the place is read-only; choose another with --out",
    errno.EACCES: "no permission to write there; choose another place with --out",
    errno.EPERM: "no permission to write there; choose another place with --out",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another place with --out",
    errno.EEXIST: "a file of that name is in the way; choose another place with --out",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about writing `path` into a RunError that says what to do."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "choose another place with --out")
        raise RunError(f"cannot write {path}: {error.strerror or error}; {advice}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn a refusal of the system to let `path`, or what is in it, be read into a RunError that says so."""
    try:
        yield
    except PermissionError as error:
        raise RunError(denied(path, error)) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, of the same suffix, to write to.

    It takes `path`'s place when the block ends well, and goes when not.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    with writing(path):
        try:
            yield temporary
            _flush(temporary)
            if temporary.is_dir():
                for file in temporary.iterdir():
                    _flush(file)
                if path.exists():
                    shutil.rmtree(path)
            os.replace(temporary, path)
            _flush(path.parent)
        except BaseException:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        # A file name that is no UTF-8 has half characters, which JSON writes as backslashreplace does.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def _flush(path: Path) -> None:
    """Make the system put the file (or the folder's list of names) on the disk, as far as it can here."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
