"""A run at a glance: what a notebook shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoo.run.html import LARGEST, facts, losses, picture
from zoo.system.reading import read_plain

SHOWN = 3
"""Events that are shown: the newest."""


def overview(
    path: Path,
    config: Mapping[str, Any],
    checkpoint: int | None,
    last: Mapping[str, Any],
    grid: Path | None,
    events: Sequence[Mapping[str, Any]] = (),
) -> str:
    """HTML: a table of facts, and the newest sample grid. Whatever is missing or damaged is left out.

    `checkpoint`: the step of the newest; `last`: the last line of metrics.jsonl; `grid`: the newest sample grid.
    `events`: what has gone wrong, as `Run.events` gives it.
    """
    data = config.get("data")
    data = data if isinstance(data, dict) else {}
    step = last.get("step", checkpoint)
    count = data.get("images")
    kind = "points" if data.get("points") is True else "images"
    table = facts(
        {
            "run": path,
            "architecture": config.get("architecture"),
            "preset": config.get("preset"),
            "step": "none yet" if step is None else f"{step} of {config.get('steps', '?')}",
            "data": ", ".join(str(each) for each in (data.get("title"), count and f"{count} {kind}") if each),
            "losses": losses(last),
            "trouble": "; ".join(f"step {event.get('step')}: {event.get('event')}" for event in events[-SHOWN:]),
        }
    )
    png = None
    if grid is not None:
        with suppress(OSError):
            png = read_plain(grid, LARGEST)
    return table + (picture(png, f"{grid}") if grid is not None else "")
