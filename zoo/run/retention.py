"""Which checkpoints stay: old ones are pruned, and those behind the one that a run goes on from are set aside."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from zoo.errors import RunError
from zoo.run.checkpoint import damage
from zoo.run.checkpoint_list import checkpoints, named_folders, step_of
from zoo.run.files import discard, free, writing
from zoo.run.marks import is_kept


def prune(folder: Path, keep: int, protected: Collection[int] = ()) -> None:
    """Remove all but the newest `keep` checkpoints, those that are marked, and those of the steps `protected`.

    Who reads one finds all of it or nothing. Raises RunError where they cannot be listed.
    """
    for step, path in checkpoints(folder)[:-keep]:
        if step not in protected and not is_kept(path):
            with suppress(OSError):  # on Windows, a file that somebody reads: the next time, then
                discard(path)


def set_aside(folder: Path, step: int, ending: str = "aside") -> list[tuple[str, str]]:
    """Rename the checkpoints after `step`, which are none any more then: to ``step-00001000.damaged`` or, whole ones, `ending`.

    Returns the old names and the new ones. Nothing of zoo's removes them. Raises RunError where they cannot be renamed.
    """
    renamed = []
    for path in named_folders(folder):
        found = step_of(path)
        if found is None or found <= step:
            continue
        name = f"{path.name}.{'damaged' if _is_damaged(path) else ending}"
        aside = free(folder / name)
        with writing(path):
            path.rename(aside)
        renamed.append((path.name, aside.name))
    return renamed


def _is_damaged(folder: Path) -> bool:
    try:
        return bool(damage(folder))
    except RunError:  # what cannot be read may be whole
        return False
