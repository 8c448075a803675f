"""What a training writes in its run's folder: that it lies in there, and what a killed process has left half-written."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zoo.errors import RunError

_WRITTEN = (
    ".lock",
    "config.json",
    "metrics.jsonl",
    "scores.jsonl",
    "checkpoints",
    "samples",
    "samples.gif",
    "curves.png",
    "report.html",
    "tensorboard",
)
"""What a run that is gone on with writes to."""

_PART = re.compile(r"\..+\.\d+\.part(\.\w+)?")
"""The names of what is not whole yet (`zoo.run.files.replacing`)."""

_OF_THE_HOLDER = re.compile(r"\.(config|metrics|scores|samples)\.\d+\.part(\.\w+)?")
"""Those in the run's folder itself that none but the process that trains it makes."""

_ABANDONED = 24 * 3600  # seconds after which what a reader may be writing, as `zoo curves` does, belongs to nobody


def refuse_links(path: Path) -> None:
    """Raise RunError where something of the run in the folder `path` is a link that leads out of it, OSError.

    A run from elsewhere is not to have files written or removed anywhere but in its own folder.
    """
    home = Path(os.path.realpath(path))
    places = [path / name for name in _WRITTEN]
    with suppress(FileNotFoundError, NotADirectoryError):
        places += [path / "checkpoints" / name for name in os.listdir(path / "checkpoints")]
    for place in places:
        if place.is_symlink():
            target = Path(os.path.realpath(place))
            if not target.is_relative_to(home):
                raise RunError(
                    f"{place} is a link to {target}, outside of the run, where nothing is written or removed; put what it "
                    "leads to in the place of the link"
                )


def sweep(path: Path) -> None:
    """Remove what killed processes have left half-written in a run's folder. For whoever holds it."""
    for folder in (path / "checkpoints", path / "samples"):
        for place in _parts(folder):
            remove(place)
    for place in _parts(path):
        if _OF_THE_HOLDER.fullmatch(place.name) or _is_old(place) or _has_no_process(place):
            remove(place)


def is_part(path: Path) -> bool:
    """Whether that is the name of something which is not whole yet."""
    return _PART.fullmatch(path.name) is not None


def remove(path: Path) -> None:
    """Remove a file or a folder as far as that can be done; of a link the link alone."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _parts(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from [folder / name for name in os.listdir(folder) if _PART.fullmatch(name)]


def _has_no_process(path: Path) -> bool:
    """Whether the process whose number stands in the name of a part is gone: `zoo curves` beside the training may live."""
    if os.name == "nt":  # where asking so would end it
        return False
    try:
        os.kill(int(path.name.rpartition(".part")[0].rpartition(".")[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _is_old(path: Path) -> bool:
    with suppress(OSError):
        return path.lstat().st_mtime < time.time() - _ABANDONED
    return False
