"""The order of classes: from their names alone, so that the same names get the same indices whatever they are kept in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from zoo.system.names import as_utf8

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DIGITS = re.compile(r"([0-9]+)")


def ordered(names: Iterable[str]) -> list[str]:
    """Class names in the order of their indices, each once.

    Where all are numbers, in the order of these: -1, 0, 2, 10. Else as text, in which a run of digits counts as the number it
    writes: class-2 comes before class-10, and 2 before 10 before other. Text is compared as UTF-8 has it, the same under
    every locale; names of one value (1 and 01) follow each other as text.

    >>> ordered(["10", "2", "1"])
    ['1', '2', '10']
    >>> ordered(["class-10", "cat", "class-2"])
    ['cat', 'class-2', 'class-10']
    """
    found = set(names)
    key = _as_number if all(map(is_number, found)) else _as_text
    return sorted(found, key=lambda name: (*key(_text(name)), name))


def is_number(name: str) -> bool:
    """Whether a class is called by a number.

    >>> is_number("-7"), is_number("0.5"), is_number("seven")
    (True, True, False)
    """
    return _NUMBER.fullmatch(name) is not None


def _text(name: str) -> str:
    try:
        return as_utf8(name)
    except UnicodeEncodeError:  # no file's name, and with letters that the locale does not have
        return name


# Decimal, unlike int, reads any number of digits.
def _as_number(text: str) -> tuple[list[str | Decimal], str]:
    return [Decimal(text)], text


def _as_text(text: str) -> tuple[list[str | Decimal], str]:
    """The text between numbers, and they, in turn: places of one kind meet."""
    return [Decimal(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(text))], text
