"""Several files that are one data set: by a pattern, by numbers in braces, by the folder that they lie in."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from zoo.data.pictures.kinds import SUFFIXES, suffix_of
from zoo.system.reading import absent, is_file, is_folder

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""Numbered files: {000..013}."""

_MOST = 1_000_000


def shards_of(location: str, suffixes: Sequence[str]) -> list[Path]:
    """The files that `location` means, in the order of their names, where all end in one of `suffixes`; else none.

    One file; ``train-*.tar``; ``train-{000..013}.tar``; a folder that holds such files, at its top or in ``data`` alone, and no
    pictures.
    """
    path = Path(os.path.expanduser(location))
    if is_file(path):
        return [path] if path.name.lower().endswith(tuple(suffixes)) else []
    if is_folder(path):
        return _in_folder(path, suffixes)
    if braces := BRACES.search(str(path)):
        first, last = braces.groups()
        if int(last) - int(first) > _MOST:
            return []
        numbers = (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
        found = [Path(BRACES.sub(number, str(path), count=1)) for number in numbers]
    elif glob.has_magic(str(path)):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
    else:
        return []
    return (
        found if found and all(is_file(file) and file.name.lower().endswith(tuple(suffixes)) for file in found) else []
    )


def _in_folder(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files of these kinds in a folder that holds no pictures and no folders, but for one called data."""
    try:
        with os.scandir(folder) as found:
            items = sorted((item for item in found if not item.name.startswith(".")), key=lambda item: item.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    folders = [item.name for item in items if _is(item.is_dir)]
    if folders == ["data"] and folder.name != "data":
        return _in_folder(folder / "data", suffixes)
    if folders or any(suffix_of(item.name) in SUFFIXES for item in items):
        return []
    return [folder / item.name for item in items if item.name.lower().endswith(tuple(suffixes)) and _is(item.is_file)]


def _is(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except OSError as error:  # a link to itself
        return absent(error)
