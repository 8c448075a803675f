"""metrics.jsonl: one JSON object per logged step, appended as training goes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from zoo.run.files import reading, replacing, writing


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
    """The objects of a metrics file in order; a last line that was cut off is left out."""
    return [metrics for metrics, _ in _lines(path)]


def truncate(path: Path, step: int) -> None:
    """Leave out what was logged after `step`: a run that goes on from there logs it again."""
    kept = "".join(line for metrics, line in _lines(path) if metrics.get("step", 0) <= step)
    with replacing(path) as temporary:
        temporary.write_text(kept, encoding="utf-8")


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    with reading(path):
        try:
            file = path.open(encoding="utf-8-sig", errors="replace")  # damaged lines are left out below
        except FileNotFoundError:
            return
    with file:
        for line in file:
            try:
                metrics = json.loads(line)
            except ValueError:
                continue
            if isinstance(metrics, dict) and line.endswith("\n"):
                yield metrics, line
