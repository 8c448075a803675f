"""Which checkpoints a run has: folders ``step-00001000`` with all of their files."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zoo.run.files import reading
from zoo.system.reading import is_file, is_folder, refuse_unreadable

ROLES = ("generator", "discriminator")

_FILES = (*(f"{role}.safetensors" for role in ROLES), "state.safetensors", "state.json")


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """The whole checkpoints of a run's ``checkpoints`` folder by step, oldest first."""
    while True:
        listed = named_folders(folder)
        found = []
        for path in listed:
            step = step_of(path)
            with reading(path):
                if step is not None and all(is_file(path / file) for file in _FILES):
                    found.append((step, path))
        if all(map(os.path.lexists, listed)):
            return sorted(found)  # else one was pruned in the meantime, after a newer one was written


def lacking(folder: Path) -> str:
    """What the newest checkpoint lacks, if it is not whole: ``step-00001000 lacks state.json``; empty where it is."""
    with reading(folder):
        found = [
            (step, path) for path in named_folders(folder) if is_folder(path) and (step := step_of(path)) is not None
        ]
        if not found:
            return ""
        _, newest = max(found)
        missing = [file for file in _FILES if not is_file(newest / file)]
    return f"{newest.name} lacks {', '.join(missing)}" if missing else ""


def named_folders(folder: Path) -> list[Path]:
    """What lies in a folder of checkpoints under the name of one. Raises RunError where that may not be read."""
    with reading(folder):
        try:
            found = [folder / name for name in sorted(os.listdir(folder)) if name.startswith("step-")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        for path in found:
            refuse_unreadable(path)
    return found


def step_of(folder: Path) -> int | None:
    """The step that a checkpoint's folder is named after; None for a folder of another name."""
    match = re.fullmatch(r"step-(\d+)", folder.name)
    return int(match[1]) if match else None
