"""The checksum by which published files are known."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.system.reading import open_plain

_PIECE = 1 << 20  # bytes


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits; read in pieces."""
    hasher = hashlib.sha256()
    with open_plain(path) as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()
