"""Names of files that are not text here: bytes that are no UTF-8, or a locale that knows no more than ASCII."""

from __future__ import annotations

import hashlib
import os
import re

_LONGEST = 120  # bytes of a part of a file's name, which may have 255 in all
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]|^[. ]|[. ]$')


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


def as_file_name(name: str) -> str:
    """A name as part of a file's, on any file system: what none may hold is written as in a URL, %2F for /, and a long one is
    cut, with a digest that tells it from others that begin alike. What is safe already stays.

    >>> as_file_name("n02/tench?")
    'n02%2Ftench%3F'
    """
    safe = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", shown(name) if os.name == "posix" else name)
    size = len(safe.encode("utf-8", "replace"))
    if 0 < size <= _LONGEST:
        return as_here(safe)
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return as_here(safe.encode("utf-8", "replace")[: _LONGEST - 9].decode("utf-8", "ignore") + "~" + mark)
