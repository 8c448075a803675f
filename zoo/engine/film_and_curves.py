"""What a run gets when its last step is done: its film, its curves, and the report on it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from zoo.errors import in_one_line
from zoo.generate.pictures.animation import animate
from zoo.plots.curves import draw_curves_if_possible
from zoo.report.write import REPORT, write_report
from zoo.run.files import advising, reading
from zoo.run.run import Run

log = logging.getLogger(__name__)

FILM, CURVES = "samples.gif", "curves.png"


def make_film_and_curves(run: Run) -> None:
    """Make the film, the curves and the report. The training is done whether or not they can be made; a line says why one is
    missing."""
    making: dict[str, Callable[[], object]] = {
        FILM: lambda: animate(run.samples, run.path / FILM),
        CURVES: lambda: draw_curves_if_possible(run),
    }
    if _is_asked(run):
        making[REPORT] = lambda: write_report(run)
    for name, draw in making.items():
        try:
            with advising(lambda mend: f"{mend or 'mend that'}; the run is whole without it"):
                draw()
        except Exception as error:  # a full disk, or whatever a broken matplotlib comes up with
            log.warning("%s is left out: %s", name, in_one_line(error))


def make_missing(run: Run, done: int) -> bool:
    """Make what a run lacks that was ended between its last checkpoint, of step `done`, and its end; whether there was anything."""
    return done == run.config.get("steps") and make_lacking(run)


def make_lacking(run: Run) -> bool:
    """Make film, curves and report of a run that is over, as far as they are not there; whether there was anything."""
    wanted = (FILM, CURVES, *((REPORT,) if _is_asked(run) else ()))
    with reading(run.path):
        lacking = [name for name in wanted if not (run.path / name).exists()]
    if lacking:
        make_film_and_curves(run)
    with reading(run.path):
        return any((run.path / name).exists() for name in lacking)


def _is_asked(run: Run) -> bool:
    """Whether a run is to have a report (``--report``); one of a zoo that had none has not been asked."""
    return run.config["options"].get("report") is True
