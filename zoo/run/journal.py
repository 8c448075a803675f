"""metrics.jsonl: one JSON object per logged step, appended as training goes; and one per event, which has a text ``event``.

Events are what has gone wrong (`zoo.engine.health`). They are no metrics: `read_metrics` leaves them out, `read_events` gives them.
"""

from __future__ import annotations

import io
import json
import logging
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zoo.errors import RunError
from zoo.run.cutting import Kept, Read, cut
from zoo.run.events import is_event
from zoo.run.files import flush, free, reading, replacing, writing
from zoo.run.lines import chunks, count, parse, reading_lines
from zoo.system.reading import open_plain

log = logging.getLogger(__name__)

_LONGEST_LINE = 1 << 16  # bytes


class Journal:
    """Appends lines to a metrics file; each is on its way to the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            new = not path.exists()
            self._file: TextIO = path.open("a", encoding="utf-8")
            try:
                if new:
                    flush(path.parent)  # its name is to be on the disk too
            except OSError:
                self._file.close()
                raise

    def write(self, metrics: Mapping[str, float]) -> None:
        """Append one object. A number that JSON does not have (nan, inf) is written as null."""
        finite = {key: value if math.isfinite(value) else None for key, value in metrics.items()}
        with writing(self.path):
            self._file.write(json.dumps(finite) + "\n")
            self._file.flush()

    def confirm(self) -> None:
        """Begin the file anew where somebody has removed it: what was in it is lost, what comes is not. Raises RunError."""
        with writing(self.path):
            if self.path.exists() or not self.path.parent.is_dir():
                return
            log.warning("%s was removed, and begins anew", self.path)
            self._file.close()
            self._file = self.path.open("a", encoding="utf-8")

    def sync(self) -> None:
        """Have the system put all lines on the disk: before a checkpoint that they lead to is shown."""
        with writing(self.path):
            os.fsync(self._file.fileno())

    def write_event(self, step: int, kind: str, **more: Any) -> None:
        """Append an event of that kind after `step` steps; `more` is what JSON has."""
        with writing(self.path):
            self._file.write(json.dumps({"step": step, "event": kind, **more}) + "\n")
            self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self.path):
            self._file.close()


def read_metrics(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    """The metrics of a metrics file in order; lines that are damaged, and a last one that was cut off, are left out.

    `most`: how many at most, evenly from first to last, of a file that may be long. Raises RunError where there is something else
    in the place of the file.
    """
    stride = 1
    if most is not None:
        with reading_lines(path):
            stride = -(-(count(path) - 1) // max(most - 1, 1)) or 1
    found = [metrics for metrics in _lines(path, stride) if metrics is not None and not is_event(metrics)]
    if stride > 1 and (last := last_metrics(path)) is not None and last not in found[-1:]:
        found.append(last)
    return found


def last_metrics(path: Path) -> dict[str, Any] | None:
    """The metrics of the last whole line that has some, of a file of which only the end is read; None where there is none."""
    with reading_lines(path), open_plain(path) as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_LINE))
        lines = file.read().split(b"\n")[:-1]
        found = (metrics for line in reversed(lines) if (metrics := parse(line)) is not None)
        return next((metrics for metrics in found if not is_event(metrics)), None)
    return None


def truncate(path: Path, step: int, read: Read | None = None) -> str:
    """Leave out what was logged after `step`: a run that goes on from there logs it again.

    Returns what a person should know, in a line: that the file is missing, or that lines of it cannot be read. These are left
    out, and the file as it was is kept beside it. `read` as `Kept` takes it. Raises RunError where it cannot be read or written.
    """
    with reading(path):
        if not path.exists():
            return f"{path} is missing: what was logged up to step {step} is lost, and it begins anew"
        kept = Kept(path, step, read)
        if kept.whole == path.stat().st_size:
            return ""
    if kept.is_beginning:
        with writing(path):
            cut(path, kept.whole)
        return ""
    note = ""
    if kept.damaged:
        beside = free(path.with_name(f"{path.name}.damaged"))
        with writing(beside):
            shutil.copyfile(path, beside)
        lines, are = ("a line", "is") if kept.damaged == 1 else (f"{kept.damaged} lines", "are")
        note = f"{lines} of {path} cannot be read and {are} left out; it is kept as {beside}"
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(kept.pieces())
    return note


def last_step(path: Path) -> int | None:
    """The step of the last whole line of a metrics file; None where there is none, or it cannot be read."""
    try:
        step = (last_metrics(path) or {}).get("step")
    except RunError:
        return None
    return step if isinstance(step, int) else None


def gap(path: Path, step: int, every: int, since: int = 0) -> str:
    """What is missing of a metrics file, in a sentence, where it ends before the last line that is due up to `step`; else empty.

    `every`: of how many steps one was logged, from step `since` on.
    """
    due, last = step - step % every, last_step(path) or 0
    if last >= due or due <= since:
        return ""
    return f"{path} ends at step {last}, and the checkpoint is of step {step}: what was logged between them is lost"


def faults(path: Path, every: int | None, until: int) -> list[str]:
    """What is wrong with what was logged up to step `until`: damaged lines, steps out of order, and gaps where a line was due each
    `every` steps (None: that has changed on the way). A line for each kind. Raises RunError where it cannot be read."""
    with reading(path):
        if not path.exists():
            return [f"{path.name} is missing"] if until else []
    damaged, backwards, last, found = 0, 0, 0, set()
    for metrics in _lines(path):
        if metrics is not None and is_event(metrics):
            continue
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


def _lines(path: Path, stride: int = 1) -> Iterator[dict[str, Any] | None]:
    """The object of each `stride`-th whole line, None where it is damaged; a last one that was cut off is no whole line."""
    with reading_lines(path), open_plain(path) as file:
        skipped = 0  # of a piece's lines, before the next one that is due
        for chunk in chunks(file):
            lines = io.BytesIO(chunk).readlines()
            yield from map(parse, lines[skipped::stride])
            skipped = (skipped - len(lines)) % stride
