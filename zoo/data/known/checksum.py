"""The checksum by which published files are known."""

from __future__ import annotations

import hashlib
from pathlib import Path

_PIECE = 1 << 20  # bytes


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits; read in pieces."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()
