"""The lines of a long metrics file, without parsing each: a million of them in about a second, some megabytes at a time.

Lines that one run logs are alike: without their digits most are equal to the byte. One of each kind is parsed for all of it, so
what is told here of a line is told of its form; that `0.5` has become `0..5` shows when that line itself is read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.run.files import reading
from zoo.system.reading import open_plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CHUNK = 1 << 22  # bytes
_LONGEST_LINE = 1 << 20
_DAMAGED = b"?"
_IN_NUMBERS = b"0123456789.+-"
_BEFORE_STEP, _LONGEST_STEP = b'{"step": ', 18
_DIGITS = 300
"""Bytes of numbers in a line above which one may be too large to be one."""
_MOST_KINDS = 1000
"""Kinds of lines that are kept in mind; a file of more, which no run writes, is parsed line by line."""


@contextmanager
def reading_lines(path: Path) -> Iterator[None]:
    """Around the reading of a metrics file: one that is not there has no lines; what else is wrong is a RunError."""
    try:
        with reading(path):
            yield
    except (FileNotFoundError, NotADirectoryError):
        return
    except IsADirectoryError:
        raise RunError(f"{path} cannot be read: it is a folder, not a file; move it away") from None


def parse(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None where it is damaged."""
    try:
        metrics = json.loads(line.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None
    return metrics if isinstance(metrics, dict) else None


def chunks(file: IO[bytes], whole: bool = True) -> Iterator[bytes]:
    """The file in pieces of whole lines; a last one that was cut off is no whole line, and left out if they are to be `whole`.

    A line that is longer than any that a run logs is read as a damaged one, of which nothing is kept in memory.
    """
    rest = b""
    while piece := file.read(_CHUNK):
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield lines + newline
        if len(rest) > _LONGEST_LINE:
            rest = _DAMAGED
    if rest.strip() and not whole:
        yield _DAMAGED + b"\n"


class Kinds:
    """The forms that lines of a file have."""

    def __init__(self) -> None:
        self._known: dict[bytes, dict[str, Any] | None] = {}

    def of(self, chunk: bytes) -> list[tuple[dict[str, Any] | None, int]]:
        """Each form in a piece of whole lines: the object of a line that has it (None: it is damaged), and how many have it."""
        lines = chunk.split(b"\n")[:-1]
        forms = Counter(chunk.translate(None, _IN_NUMBERS).split(b"\n")[:-1])
        if max(map(len, lines)) - min(map(len, forms)) > _DIGITS:
            return [(parse(line), 1) for line in lines if line.strip()]
        if len(self._known) > _MOST_KINDS:
            self._known.clear()
        new = forms.keys() - self._known.keys()
        for line in lines if new else ():
            form = line.translate(None, _IN_NUMBERS)
            if form in new:
                new.discard(form)
                self._known[form] = parse(line)
        return [(self._known[form], count) for form, count in forms.items() if form.strip()]

    def steps(self, chunk: bytes) -> npt.NDArray[np.int64] | None:
        """The step of each line, as Journal writes it; None where they have to be parsed one by one to tell."""
        if any(metrics is None for metrics, _ in self.of(chunk)):
            return None
        return _steps(chunk)


def _steps(chunk: bytes) -> npt.NDArray[np.int64] | None:
    import numpy as np

    data = np.frombuffer(chunk + bytes(len(_BEFORE_STEP) + _LONGEST_STEP + 1), np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    at = np.concatenate([[0], ends[:-1] + 1])
    for letter in _BEFORE_STEP:
        if (data[at] != letter).any():
            return None
        at += 1
    steps = np.zeros(len(at), np.int64)
    for _ in range(_LONGEST_STEP):
        digits = data[at].astype(np.int64) - ord("0")
        more = (digits >= 0) & (digits <= 9)
        if not more.any():
            break
        steps = np.where(more, steps * 10 + digits, steps)
        at += more
    begun = data[at - 1] != _BEFORE_STEP[-1]
    return steps if begun.all() and np.isin(data[at], list(b",}")).all() else None


def kinds(path: Path) -> Iterator[tuple[dict[str, Any] | None, int]]:
    """Each form of the lines of a file that are not blank (several times, perhaps), as `Kinds.of`. Raises OSError.

    A last line that was cut off is a damaged one.
    """
    known = Kinds()
    with open_plain(path) as file:
        for chunk in chunks(file, whole=False):
            yield from known.of(chunk)


def count(path: Path) -> int:
    """How many whole lines a file has. Raises OSError."""
    with open_plain(path) as file:
        return sum(chunk.count(b"\n") for chunk in chunks(file))
