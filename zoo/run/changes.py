"""The journal of changes in a config.json: which options became others when the run went on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.run.record import DamagedError, Record


def read_changes(config: Mapping[str, Any], file: Path, remedy: str) -> list[dict[str, Any]]:
    """The lines of the journal in order; none where nothing has changed. Raises RunError for a damaged one, with the remedy."""
    try:
        lines = Record(dict(config)).may("changes", list) or []
        for place, line in enumerate(lines):
            _check(line, f"line {place + 1} of 'changes'")
    except DamagedError as error:
        raise RunError(f"{file} does not tell what has changed: {error}; {remedy}") from None
    return lines


def read_healing(config: Mapping[str, Any], file: Path, remedy: str) -> list[dict[str, Any]]:
    """How often the run went back to a good checkpoint; never, where nothing says so. Raises RunError for a damaged line."""
    try:
        lines = Record(dict(config)).may("healing", list) or []
        for place, line in enumerate(lines):
            if not isinstance(line, dict):
                raise DamagedError(f"line {place + 1} of 'healing' is no object")
            record = Record(line)
            for name, kind in (("step", int), ("detected_at", int), ("number", int), ("remedy", int), ("trouble", str)):
                record.need(name, kind)
    except DamagedError as error:
        raise RunError(f"{file} does not tell what was healed: {error}; {remedy}") from None
    return lines


def _check(line: Any, what: str) -> None:
    if not isinstance(line, dict) or not {"from", "to"} <= line.keys():
        raise DamagedError(f"{what} is no change from something to something")
    record = Record(line)
    record.need("step", int)
    record.need("option", str)
