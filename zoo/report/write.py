"""Makes the report on one run or on several: ``zoo report``, and the end of every training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data.formats.picture import pillow_manners
from zoo.errors import OptionError
from zoo.report.content import Content, read_run
from zoo.report.page import Part, page
from zoo.report.pictures import copies, frames
from zoo.report.settings import read_settings
from zoo.run.files import replacing, writing
from zoo.run.place import check_path
from zoo.run.run import Run

REPORT = "report.html"
"""Its name in a run's folder."""

MOST_RUNS = 12
"""Runs side by side: more are no report but a table (zoo list --runs)."""

LARGEST = 5_000_000
"""Bytes of a page."""

_PICTURES = 3_600_000  # of them, of pictures: the rest is for numbers and words


def write_report(*runs: Run | Path | str, out: Path | str | None = None) -> Path:
    """Write the report on some runs, side by side, as one HTML file that needs nothing else; returns where it is.

    Nothing is computed, and nothing read but what lies in the runs' folders: what is damaged there is left out, with a line in
    the report. ``zoo.report("runs/dcgan-001")``.

    Args:
        runs: runs or their folders, up to `MOST_RUNS`.
        out: the file, NAME.html; by default report.html in the folder of the run, of several in the working directory. Folders on
            the way are made.

    Raises:
        RunError: where one is no run, or the file cannot be written.
        OptionError: for no run, too many, and an `out` that is no .html file.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise OptionError(
            f"{len(runs)} runs are given; give 1 to {MOST_RUNS} (zoo list --runs shows all that are there)"
        )
    paths = [run.path if isinstance(run, Run) else check_path(run, "a run's folder") for run in runs]
    places = [os.path.realpath(path) for path in paths]
    if twice := [path for at, path in enumerate(paths) if places[at] in places[:at]]:
        raise OptionError(f"{twice[0]} is given twice; give each run once")
    place = _place(paths, None if out is None else check_path(out, "out"))
    text = make_report(paths)
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        temporary.write_bytes(text.encode("utf-8", "replace"))
    return place


def make_report(paths: Sequence[Path]) -> str:
    """The page on the runs in these folders. Raises RunError where one is none."""
    from zoo import __version__

    room = _PICTURES // len(paths)
    parts = []
    with pillow_manners(), np.errstate(all="ignore"):  # of what a run holds some numbers are no numbers
        for content in _told_apart([read_run(path) for path in paths]):
            run, guard = content.run, content.guard
            closest = copies(run, guard, room // 5)
            shown = frames(run, guard, room - (closest.size if closest else 0))
            parts.append(Part(content, read_settings(content), shown, closest))
    return page(parts, __version__)


def _told_apart(contents: Sequence[Content]) -> list[Content]:
    """Runs whose folders have one name are called by as much of their paths as tells them apart."""
    called = [content.name for content in contents]
    parts = [content.run.path.resolve().parts for content in contents]
    for length in range(2, max(map(len, parts)) + 1):
        alike = [called.count(name) > 1 for name in called]
        called = [
            "/".join(part[-length:]) if same else name for part, same, name in zip(parts, alike, called, strict=True)
        ]
    return [replace(content, called=name) for content, name in zip(contents, called, strict=True)]


def _place(paths: Sequence[Path], out: Path | None) -> Path:
    if out is None:
        return paths[0] / REPORT if len(paths) == 1 else Path(REPORT)
    if out.is_dir():
        raise OptionError(f"--out {out}: it is a folder; give the name of a page, NAME.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"--out {out}: give the name of a page, NAME.html")
    return out
