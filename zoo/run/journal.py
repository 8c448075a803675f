"""metrics.jsonl: one JSON object per logged step, appended as training goes."""

from __future__ import annotations

import io
import itertools
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zoo.errors import RunError
from zoo.run.files import reading, replacing, writing
from zoo.system.reading import open_plain

_LONGEST = 1 << 20  # letters of a line


class Journal:
    """Appends lines to a metrics file; each is on its way to the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, metrics: Mapping[str, float]) -> None:
        """Append one object. A number that JSON does not have (nan, inf) is written as null."""
        finite = {key: value if math.isfinite(value) else None for key, value in metrics.items()}
        with writing(self.path):
            self._file.write(json.dumps(finite) + "\n")
            self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self.path):
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The objects of a metrics file in order; lines that are damaged, and a last one that was cut off, are left out.

    Raises RunError where there is something else in the place of the file.
    """
    return [metrics for metrics, _ in _lines(path) if metrics is not None]


def truncate(path: Path, step: int) -> str:
    """Leave out what was logged after `step`: a run that goes on from there logs it again.

    Returns what a person should know, in a line: that the file is missing, or that lines of it cannot be read. These are left
    out, and the file as it was is kept beside it. Raises RunError where it cannot be read or written.
    """
    note = "" if path.exists() else f"{path} is missing: what was logged up to step {step} is lost, and it begins anew"
    kept, damaged = [], 0
    for metrics, line in _lines(path):
        logged = None if metrics is None else metrics.get("step")
        if not isinstance(logged, int):
            damaged += 1
        elif logged <= step:
            kept.append(line)
    if damaged:
        beside = _free(path.with_name(f"{path.name}.damaged"))
        with writing(beside):
            shutil.copyfile(path, beside)
        lines = "a line" if damaged == 1 else f"{damaged} lines"
        note = (
            f"{lines} of {path} cannot be read and {'is' if damaged == 1 else 'are'} left out; it is kept as {beside}"
        )
    with replacing(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")
    return note


def _lines(path: Path) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Each whole line, with its object or None where it is damaged; a last one that was cut off is no whole line."""
    try:
        with reading(path), io.TextIOWrapper(open_plain(path), encoding="utf-8-sig", errors="replace") as file:
            while line := file.readline(_LONGEST):
                if not line.endswith("\n"):
                    if len(line) < _LONGEST:
                        return
                    yield None, line  # a piece of a line that nobody has logged
                    continue
                try:
                    metrics = json.loads(line)
                except (ValueError, RecursionError):
                    metrics = None
                yield metrics if isinstance(metrics, dict) else None, line
    except (FileNotFoundError, NotADirectoryError):
        return
    except IsADirectoryError:
        raise RunError(f"{path} cannot be read: it is a folder, not a file; move it away") from None


def _free(path: Path) -> Path:
    """The path, or with a number behind it where there is something already."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())
