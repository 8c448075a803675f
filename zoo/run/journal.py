"""metrics.jsonl: one JSON object per logged step, appended as training goes."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zoo.errors import RunError
from zoo.run.files import reading, replacing, writing
from zoo.run.lines import Kinds, chunks, count, parse

_LONGEST_LINE = 1 << 16  # bytes


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


def read_metrics(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    """The objects of a metrics file in order; lines that are damaged, and a last one that was cut off, are left out.

    `most`: how many at most, evenly from first to last, of a file that may be long. Raises RunError where there is something else
    in the place of the file.
    """
    with _reading(path):
        stride = 1 if most is None else -(-(count(path) - 1) // max(most - 1, 1)) or 1
        with path.open("rb") as file:
            found = [parse(line) for line in itertools.islice(file, 0, None, stride) if line.endswith(b"\n")]
        if stride > 1 and (last := last_metrics(path)) is not None and last != found[-1]:
            found.append(last)
        return [metrics for metrics in found if metrics is not None]
    return []


def last_metrics(path: Path) -> dict[str, Any] | None:
    """The object of the last whole line of a metrics file, of which only the end is read; None where there is none."""
    with _reading(path), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_LINE))
        lines = file.read().split(b"\n")[:-1]
        return next((metrics for line in reversed(lines) if (metrics := parse(line)) is not None), None)
    return None


def truncate(path: Path, step: int) -> str:
    """Leave out what was logged after `step`: a run that goes on from there logs it again.

    Returns what a person should know, in a line: that the file is missing, or that lines of it cannot be read. These are left
    out, and the file as it was is kept beside it. Raises RunError where it cannot be read or written.
    """
    if not path.exists():
        return f"{path} is missing: what was logged up to step {step} is lost, and it begins anew"
    kept = _Kept(path, step)
    if kept.whole == path.stat().st_size:
        return ""
    if kept.is_beginning:
        with writing(path):
            _cut(path, kept.whole)
        return ""
    note = ""
    if kept.damaged:
        beside = _free(path.with_name(f"{path.name}.damaged"))
        with writing(beside):
            shutil.copyfile(path, beside)
        lines, are = ("a line", "is") if kept.damaged == 1 else (f"{kept.damaged} lines", "are")
        note = f"{lines} of {path} cannot be read and {are} left out; it is kept as {beside}"
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(kept.pieces())
    return note


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


class _Kept:
    """What is kept of a metrics file that is to end at a step."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.step = path, step
        self.whole = 0
        """The bytes that are kept, if `is_beginning`: up to there."""
        self.is_beginning = True
        self.damaged = 0
        for _ in self.pieces(counting=True):
            pass

    def pieces(self, counting: bool = False) -> Iterator[bytes]:
        """What is kept, in order, some megabytes at a time."""
        known = Kinds()
        ended = False
        with _reading(self.path), self.path.open("rb") as file:
            for chunk in chunks(file):
                steps = known.steps(chunk)
                if steps is not None and steps.max() <= self.step:
                    lines = [chunk]
                    ends_early = False
                else:
                    lines, ends_early = self._single(chunk, counting)
                if counting:
                    self.is_beginning &= not (ended and lines)
                    self.whole += sum(map(len, lines))
                ended = ended or ends_early
                yield from lines

    def _single(self, chunk: bytes, counting: bool) -> tuple[list[bytes], bool]:
        """The lines of a piece that are kept, each parsed, and whether some behind the last of them, or all, are not."""
        kept: list[bytes] = []
        left_out = False
        for line in io.BytesIO(chunk):
            metrics = parse(line)
            logged = None if metrics is None else metrics.get("step")
            if not isinstance(logged, int):
                self.damaged += counting
                self.is_beginning = False
            elif logged <= self.step:
                self.is_beginning &= not left_out
                kept.append(line)
                continue
            left_out = True
        return kept, left_out


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Around the reading of a metrics file: one that is not there has no lines; what else is wrong is a RunError."""
    try:
        with reading(path):
            yield
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise RunError(f"{path} cannot be read: it is a folder, not a file; move it away") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}; make it readable, or move it away") from None


def _free(path: Path) -> Path:
    """The path, or with a number behind it where there is something already."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())
