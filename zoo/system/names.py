"""Names that others gave: bytes that are no UTF-8, a locale that knows no more than ASCII, letters that a terminal would obey."""

from __future__ import annotations

import hashlib
import os
import re
import reprlib
from collections.abc import Sequence
from contextlib import suppress

_LONGEST = 120  # bytes of a part of a file's name, which may have 255 in all
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_CONTROLS_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 400
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


def printable(text: str, lines: bool = False) -> str:
    """A text that any terminal prints and none obeys: control characters, and those that turn the direction of writing, are
    written as in Python, and half characters as ?. `lines`: with the ends of lines and the tabs that it has.

    >>> printable("cat\\x1b[2J\\n")
    'cat\\\\x1b[2J\\\\n'
    """
    return (_CONTROLS_IN_LINES if lines else _CONTROLS).sub(_escaped, _text(text))


def shown(name: str) -> str:
    """A name in a message: printable, and one that is very long without its middle."""
    return cut(printable(name))


def cut(text: str, most: int = 120) -> str:
    """A text of more letters without its middle.

    >>> cut("0123456789", 7)
    '0123…89'
    """
    return text if len(text) <= most else f"{text[: most * 2 // 3]}…{text[len(text) - (most - 1 - most * 2 // 3) :]}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a message, the first few of many.

    >>> listed(["cat", "dog", "owl"], 2)
    'cat, dog, …'
    """
    return ", ".join(names[:most]) + (", …" if len(names) > most else "") if names else "none"


def brief(value: object, most: int = 120) -> str:
    """A value as Python writes it, without the middle of a long one."""
    if isinstance(value, str):
        value = cut(value, 2 * most)
    try:
        return cut(printable(_REPR.repr(value)), most)
    except ValueError:  # a number of too many digits
        return f"a very long {type(value).__name__}"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _text(name: str) -> str:
    with suppress(UnicodeEncodeError):  # no file's name
        name = as_utf8(name)
    return name.encode("utf-8", "replace").decode()


def as_file_name(name: str) -> str:
    """A name as part of a file's, on any file system: what none may hold is written as in a URL, %2F for /, and a long one is
    cut, with a digest that tells it from others that begin alike. What is safe already stays.

    >>> as_file_name("n02/tench?")
    'n02%2Ftench%3F'
    """
    safe = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", _text(name) if os.name == "posix" else name)
    size = len(safe.encode("utf-8", "replace"))
    if 0 < size <= _LONGEST:
        return as_here(safe)
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return as_here(safe.encode("utf-8", "replace")[: _LONGEST - 9].decode("utf-8", "ignore") + "~" + mark)
