"""Names of files that are not text here: bytes that are no UTF-8, or a locale that knows no more than ASCII."""

from __future__ import annotations

import os


def as_utf8(name: str) -> str:
    """A name as Python spells it where file names are UTF-8, whatever they are here: the same for the same file everywhere."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def as_here(name: str) -> str:
    """A name as Python spells it here, wherever it was written down: what can be opened."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # of a letter that the locale does not have
        return os.fsdecode(name.encode("utf-8", "surrogateescape"))
    return name


def shown(name: str) -> str:
    """A name that any terminal can print."""
    return as_utf8(name).encode("utf-8", "replace").decode()
