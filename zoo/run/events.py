"""What has gone wrong with a run, among the lines of its metrics.jsonl: objects with an `event`, its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.run.files import replacing
from zoo.run.lines import chunks, parse, reading_lines
from zoo.system.reading import open_plain

_NAME = b'"event"'


def is_event(line: Mapping[str, Any]) -> bool:
    """Whether the object of a line is an event, and no metrics."""
    return isinstance(line.get("event"), str)


def read_events(path: Path) -> list[dict[str, Any]]:
    """The events of a metrics file in order, each with its `step` and its kind, `event`. Raises RunError as `read_metrics` does."""
    found = (line for text in _perhaps(path) if (line := parse(text)) is not None)
    return [line for line in found if is_event(line) and isinstance(line.get("step"), int)]


def _perhaps(path: Path) -> Iterator[bytes]:
    """The lines that may be events: most of a long file is passed over without being parsed."""
    with reading_lines(path), open_plain(path) as file:
        for chunk in chunks(file):
            if _NAME in chunk:
                yield from (line for line in chunk.split(b"\n") if _NAME in line)


def write_healed(path: Path, event: Mapping[str, Any]) -> None:
    """Append an event of healing, in place of one of the same number, of a try that was cut off."""
    numbered = ("healed", event["number"])
    with replacing(path) as temporary, temporary.open("wb") as file:
        with reading_lines(path), open_plain(path) as before:
            for chunk in chunks(before):
                file.writelines(line for line in chunk.splitlines(keepends=True) if not _is_numbered(line, numbered))
        file.write(json.dumps(event).encode() + b"\n")


def _is_numbered(line: bytes, numbered: tuple[str, int]) -> bool:
    event = parse(line) if _NAME in line else None
    return event is not None and (event.get("event"), event.get("number")) == numbered
