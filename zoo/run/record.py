"""Reads the JSON files of a run by name and type, and tells in words what is wrong with one that is damaged."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from zoo.system.names import printable
from zoo.system.parsing import parse_json
from zoo.system.reading import read_plain

T = TypeVar("T")

_WORDS: dict[type, str] = {
    dict: "names and values",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
}


class DamagedError(ValueError):
    """What is wrong with a file, in words that stand behind its name: ``'options' is missing``.

    What to do about it is for whoever wanted to read it to say.
    """


@dataclass(frozen=True)
class Record:
    """The content of such a file."""

    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Record:
        """That of a file. Raises DamagedError where it holds no names and values, OSError where it cannot be read: it may be
        whole."""
        try:
            content = read_plain(path)
        except IsADirectoryError:
            raise DamagedError("it is a folder, not a file") from None
        return cls.of(content)

    @classmethod
    def of(cls, written: bytes) -> Record:
        """That of what is in a file. Raises DamagedError."""
        try:
            text = written.decode("utf-8-sig")  # some editors put a mark before the first letter
            content = parse_json(text)
        except UnicodeDecodeError:
            raise DamagedError("it is not text in UTF-8") from None
        except json.JSONDecodeError as error:
            raise DamagedError(_where(error, text)) from None
        except ValueError:  # a number of too many digits, lists within lists without end
            raise DamagedError("it is not JSON that zoo has written") from None
        if not isinstance(content, dict):
            raise DamagedError(f"it holds {_kind(content)}, not names and values")
        return cls(content)

    def need(self, name: str, kind: type[T]) -> T:
        """The value of that name, ``data.height`` within another. Raises DamagedError where it is missing or of another type."""
        value = self._find(name)
        if value is None:
            raise DamagedError(
                f"{name!r} is missing" if not self._has(name) else f"{name!r} is null, not {_WORDS[kind]}"
            )
        return _checked(name, value, kind)

    def may(self, name: str, kind: type[T]) -> T | None:
        """The same; None where it is missing or null."""
        value = self._find(name)
        return None if value is None else _checked(name, value, kind)

    def _find(self, name: str) -> Any:
        value: Any = self.content
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _has(self, name: str) -> bool:
        above, _, last = name.rpartition(".")
        within = self._find(above) if above else self.content
        return isinstance(within, dict) and last in within


def _checked(name: str, value: Any, kind: type[T]) -> T:
    fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise DamagedError(f"{name!r} is {_kind(value)}, not {_WORDS[kind]}")
    return value  # type: ignore[no-any-return]


def _kind(value: Any) -> str:
    """A value as a person is told of it: a short one as it is written."""
    if isinstance(value, dict | list):
        return _WORDS[type(value)]
    shown = printable(json.dumps(value, ensure_ascii=False))
    return shown if len(shown) <= 40 else f"{shown[:40]}…"


def _where(error: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "it is empty"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"it ends in the midst of line {text.rstrip().count(chr(10)) + 1}"
    return f"line {error.lineno}, column {error.colno} is not JSON"
