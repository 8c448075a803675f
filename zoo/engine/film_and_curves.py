"""What a run gets when its last step is done: its film and its curves."""

from __future__ import annotations

import logging
from collections.abc import Callable

from zoo.errors import in_one_line
from zoo.generate.pictures.animation import animate
from zoo.plots.curves import draw_curves_if_possible
from zoo.run.files import advising, reading
from zoo.run.run import Run

log = logging.getLogger(__name__)

FILM, CURVES = "samples.gif", "curves.png"


def make_film_and_curves(run: Run) -> None:
    """Make the film and the curves. The training is done whether or not they can be made; a line says why one is missing."""
    pictures: dict[str, Callable[[], object]] = {
        FILM: lambda: animate(run.samples, run.path / FILM),
        CURVES: lambda: draw_curves_if_possible(run),
    }
    for name, draw in pictures.items():
        try:
            with advising(lambda mend: f"{mend or 'mend that'}; the run is whole without it"):
                draw()
        except Exception as error:  # a full disk, or whatever a broken matplotlib comes up with
            log.warning("%s is left out: %s", name, in_one_line(error))


def make_missing(run: Run, done: int) -> bool:
    """Make what a run lacks that was ended between its last checkpoint, of step `done`, and its end; whether there was anything."""
    return done == run.config.get("steps") and make_lacking(run)


def make_lacking(run: Run) -> bool:
    """Make the film and the curves of a run that is over, as far as they are not there; whether there was anything."""
    with reading(run.path):
        lacking = [name for name in (FILM, CURVES) if not (run.path / name).exists()]
    if lacking:
        make_film_and_curves(run)
    with reading(run.path):
        return any((run.path / name).exists() for name in lacking)
