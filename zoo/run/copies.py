"""The picture of the samples that are closest to training images, in a run's folder: ``copies-step-00002500.png``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from zoo.run.files import replacing

_NAME = re.compile(r"copies(?:-step-(\d{1,18}))?\.png")
"""Without a step where somebody has drawn it there by hand: ``zoo evaluate RUN --copies RUN/copies.png``."""


def keep_copies(run: Path, step: int, write: Callable[[Path], None]) -> Path:
    """Have `write` write the picture of a step into the folder of a run, in the place of those that were kept before; returns
    where it is. Raises RunError where that fails."""
    before = [place for place, _ in _pictures(run) if place.name != "copies.png"]  # which is a person's own
    place = run / f"copies-step-{step:08d}.png"
    with replacing(place) as temporary:
        write(temporary)
    for other in before:
        if other != place:
            with suppress(OSError):
                other.unlink()
    return place


def find_copies(run: Path) -> tuple[Path, int | None] | None:
    """The picture that was drawn last, and its step, where its name says; None where there is none."""
    return max(_pictures(run), key=lambda found: _drawn(found[0]), default=None)


def _pictures(run: Path) -> list[tuple[Path, int | None]]:
    with suppress(OSError):
        found = [(run / name, _NAME.fullmatch(name)) for name in sorted(os.listdir(run))]
        return [(place, int(name[1]) if name[1] else None) for place, name in found if name]
    return []


def _drawn(place: Path) -> float:
    with suppress(OSError):
        return place.lstat().st_mtime
    return 0.0
