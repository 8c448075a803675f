"""Checkpoints that are kept however many come after them: the best by a metric, say."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from zoo.run.files import write_json
from zoo.run.record import DamagedError, Record

KEPT = "kept.json"
"""The file in a checkpoint's folder that keeps it: what it is kept as, and a few words on each."""


def is_kept(checkpoint: Path) -> bool:
    """Whether a checkpoint is marked to be kept; a mark that cannot be read is one."""
    return (checkpoint / KEPT).exists()


def marks(checkpoint: Path) -> Mapping[str, str]:
    """What a checkpoint is kept as (``best frechet``), and a few words on each."""
    try:
        found = Record.read(checkpoint / KEPT).content
    except (OSError, DamagedError):
        return {}
    return {name: str(words) for name, words in found.items()}


def mark(checkpoint: Path, name: str, words: str = "") -> None:
    """Keep a checkpoint under a name, which is taken from the one beside it that had it. Raises RunError where that fails."""
    write_json(checkpoint / KEPT, {**marks(checkpoint), name: words})
    for other in checkpoint.parent.glob(f"*/{KEPT}"):
        if other.parent != checkpoint:
            unmark(other.parent, name)


def unmark(checkpoint: Path, name: str) -> None:
    """Take that name from a checkpoint; one that has none left is removed like the others, when its time comes."""
    left = {each: words for each, words in marks(checkpoint).items() if each != name}
    if left:
        write_json(checkpoint / KEPT, left)
        return
    with suppress(FileNotFoundError):
        if name in marks(checkpoint):
            (checkpoint / KEPT).unlink()
