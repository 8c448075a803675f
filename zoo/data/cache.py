"""The cache directory: where it is, and small facts about files that are remembered between runs."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoo.system.parsing import parse_json
from zoo.system.reading import open_plain, read_plain

_PIECE = 1 << 16  # bytes; most pictures are one or two pieces, and a larger buffer would be a new mapping for each
_LONGEST = 1 << 30  # bytes of a note: a million pictures take some 150 MB
_REMEMBER_FROM = 16 << 20  # hashing less than this is quicker than looking it up
_RACY_NS = 2_000_000_000  # file systems with coarse clocks can miss an edit this soon after another
_ABANDONED = 3600  # seconds after which a note that is not finished belongs to nobody


def cache_directory() -> Path:
    """$ZOO_CACHE, else $XDG_CACHE_HOME/zoo, else ~/.cache/zoo. It need not exist yet.

    Where there is no home directory, as in a container under a user that nobody has entered, it is a temporary one of that user's.
    """
    if chosen := os.environ.get("ZOO_CACHE"):
        return Path(os.path.expanduser(chosen))
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(os.path.expanduser(base)) / "zoo"
    try:
        return Path.home() / ".cache" / "zoo"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"zoo-cache-{os.getuid() if hasattr(os, 'getuid') else 'of-nobody'}"


def digest(*parts: str | bytes | int | None) -> str:
    """One short hash of several values; ("ab", "c") and ("a", "bc") differ."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        hasher.update(len(data).to_bytes(8, "little") + data)
    return hasher.hexdigest()


def hash_bytes(content: bytes) -> str:
    """The hash of some bytes, which is that of a file that holds them."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def hash_bytes_of(path: Path) -> str:
    """The hash of a file's content, read in pieces."""
    hasher = hashlib.blake2b(digest_size=16)
    with open_plain(path) as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def hash_file(path: Path) -> str:
    """The hash of a file's content; that of a large file is remembered by (path, size, modification time)."""
    stat = path.stat()
    if stat.st_size < _REMEMBER_FROM:
        return hash_bytes_of(path)
    name = str(path.resolve())
    signature = [name, stat.st_size, stat.st_mtime_ns]
    notebook = f"file-{digest(name)}"
    known = recall(notebook)
    if isinstance(known, dict) and known.get("signature") == signature and isinstance(known.get("hash"), str):
        return str(known["hash"])
    content = hash_bytes_of(path)
    if is_stable(stat.st_mtime_ns):
        remember(notebook, {"signature": signature, "hash": content})
    return content


def is_stable(mtime_ns: int) -> bool:
    """Whether a file has been left alone long enough for its modification time to betray the next edit.

    The idea is git's "racily clean": an edit right after the file was read may leave size and time as they were.
    """
    return mtime_ns < time.time_ns() - _RACY_NS


def recall(name: str) -> Any:
    """What `remember` wrote under this name, or None; a damaged note counts as forgotten."""
    try:
        return parse_json(read_plain(cache_directory() / "known" / f"{name}.json", _LONGEST))
    except (OSError, ValueError):
        return None


def remember(name: str, value: Any) -> None:
    """Write a note atomically. A cache that cannot be written costs time on the next start and nothing else."""
    place = cache_directory() / "known" / f"{name}.json"
    temporary: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        temporary = new_name(place.parent)
        with temporary.open("x", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
        os.replace(temporary, place)
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def new_name(folder: Path) -> Path:
    """A name for something temporary in a folder that nothing has. Made there with it, a file or folder has the rights that the
    umask gives: those of `tempfile` shut out everybody else who shares the cache."""
    return folder / f".tmp-{secrets.token_hex(8)}"


def _sweep(folder: Path) -> None:
    """Remove the beginnings of notes that killed processes have left; a note is written in a moment."""
    for left in folder.glob(".tmp-*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - _ABANDONED:
                left.unlink()
