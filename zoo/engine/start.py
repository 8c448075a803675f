"""The checkpoint that a run goes on from, and what becomes of those that are newer."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import OptionError, RunError
from zoo.run.checkpoint import damage
from zoo.run.retention import set_aside
from zoo.run.run import Run, quoted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """A checkpoint that is gone on from."""

    step: int
    folder: Path | None
    """None at step 0: no checkpoint was written yet."""

    def set_newer_aside(self) -> None:
        """Take newer checkpoints out of the way, with a line for each: the run is to come to their steps again."""
        if self.folder is None:
            return
        for name, aside in set_aside(self.folder.parent, self.step):
            log.warning("%s is newer than the checkpoint that the run goes on from, and is kept as %s", name, aside)


def choose_start(run: Run, from_step: int | str | None = None, recover: bool = False) -> Start:
    """The newest checkpoint of a run; that of `from_step` (as 4, ``step-4``, ``step-00000004``); with `recover` the newest that is
    whole, all files of those looked at being read.

    Raises OptionError for what names no step, RunError where there is no such checkpoint.
    """
    if from_step is not None:
        if recover:
            raise OptionError("--from and --recover both say where to go on; give one of them")
        return _named(run, from_step)
    if not recover:
        step, newest = run.start()
        if newest is None:
            log.warning("%s has no checkpoint yet: it begins again at step 0", run.path)
        elif run.lacking:
            log.warning("%s; going on from %s", run.lacking, newest.name)
        return Start(step, newest)
    if run.start()[1] is None:
        return choose_start(run)
    found = []
    for step, folder in reversed(run.checkpoints):
        try:
            found = damage(folder)
        except RunError as error:
            raise RunError(f"{error}; it may be whole. --from step-N goes on from an earlier one") from None
        if not found:
            return Start(step, folder)
        log.warning("%s; the one before is looked at", found[0])
    raise RunError(
        f"no checkpoint of {run.path} is whole: {found[0]}; move {run.path / 'checkpoints'} elsewhere, and zoo resume "
        f"{quoted(run.path)} begins again at step 0"
    )


def _named(run: Run, given: int | str) -> Start:
    match = re.fullmatch(r"(?:.*[/\\])?(?:step-)?(\d{1,18})[/\\]?", str(given))
    if match is None:
        raise OptionError(f"--from {given!r} names no checkpoint; give its step, as 4000 or step-00004000")
    step, known = int(match[1]), dict(run.checkpoints)
    if step not in known:
        names = ", ".join(folder.name for folder in known.values())
        raise RunError(f"{run.path} has no whole checkpoint of step {step}; it has {names or 'none'}")
    return Start(step, known[step])
