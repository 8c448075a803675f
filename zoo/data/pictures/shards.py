"""Several files that are one data set: by a pattern, by numbers in braces, by the folder that they lie in."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from zoo.data.pictures.kinds import SUFFIXES, suffix_of
from zoo.system.reading import is_file, is_folder

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""Numbered files: {000..013}."""

_MOST = 1_000_000


def shards_of(location: str, suffixes: Sequence[str]) -> list[Path]:
    """The files that `location` means, in the order of their names, where all of them end in one of `suffixes`; else none.

    One file; ``train-*.tar``; ``train-{000..013}.tar``; a folder that holds such files, at its top or in ``data``, and no pictures.
    """
    path = Path(os.path.expanduser(location))
    if is_file(path):
        return [path] if path.name.lower().endswith(tuple(suffixes)) else []
    if is_folder(path):
        return _in_folder(path, suffixes) or _in_folder(path / "data", suffixes)
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
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    if any(suffix_of(name) in SUFFIXES for name in names):
        return []
    return [folder / name for name in names if name.lower().endswith(tuple(suffixes)) and is_file(folder / name)]
