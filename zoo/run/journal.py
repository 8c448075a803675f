"""metrics.jsonl: one JSON object per logged step, appended as training goes."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zoo.errors import RunError
from zoo.run.files import free, reading, replacing, writing


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
        beside = free(path.with_name(f"{path.name}.damaged"))
        with writing(beside):
            shutil.copyfile(path, beside)
        lines = "a line" if damaged == 1 else f"{damaged} lines"
        note = (
            f"{lines} of {path} cannot be read and {'is' if damaged == 1 else 'are'} left out; it is kept as {beside}"
        )
    with replacing(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")
    return note


def faults(path: Path, every: int | None, until: int) -> list[str]:
    """What is wrong with what was logged up to step `until`: damaged lines, steps out of order, and gaps where a line was due each
    `every` steps (None: that has changed on the way). A line for each kind. Raises RunError where it cannot be read."""
    if not path.exists():
        return [f"{path.name} is missing"] if until else []
    damaged, backwards, last, found = 0, 0, 0, set()
    for metrics, _ in _lines(path):
        step = None if metrics is None else metrics.get("step")
        if not isinstance(step, int):
            damaged += 1
            continue
        backwards += step <= last
        last = step
        if every and step % every == 0:
            found.add(step)
    gaps = [step for step in range(every, until + 1, every) if step not in found] if every else []
    told = [(damaged, "that cannot be read"), (backwards, "of a step that was logged before")]
    lines = [f"{count} line{'' if count == 1 else 's'} {words}" for count, words in told if count]
    if gaps:
        lines.append(f"{len(gaps)} line{'' if len(gaps) == 1 else 's'} missing, the first of step {gaps[0]}")
    return lines


def _lines(path: Path) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Each whole line, with its object or None where it is damaged; a last one that was cut off is no whole line."""
    try:
        with reading(path), path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in file:
                if not line.endswith("\n"):
                    return
                try:
                    metrics = json.loads(line)
                except (ValueError, RecursionError):
                    metrics = None
                yield metrics if isinstance(metrics, dict) else None, line
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise RunError(f"{path} cannot be read: it is a folder, not a file; move it away") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}; make it readable, or move it away") from None
