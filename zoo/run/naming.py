"""A checkpoint by its name: ``best``, ``last``, or a step."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import OptionError, RunError
from zoo.run.marks import marks
from zoo.run.run import Run

BEST, LAST = "best", "last"


def find_checkpoint(run: Run, name: int | str | None) -> tuple[int, Path]:
    """The step and the folder of a run's checkpoint: ``last`` or None is the newest, ``best`` the one that ``--keep-best`` has
    marked, ``best:METRIC`` one of several; a number or ``step-00004000`` that of a step.

    Raises OptionError for what is no name, RunError where there is no such checkpoint.
    """
    if name is None or name == LAST:
        return run.latest()
    text = str(name)
    if text == BEST or text.startswith(f"{BEST}:"):
        return _best(run, text[len(BEST) + 1 :])
    match = re.fullmatch(r"(?:step-)?(\d{1,18})", text)
    if match is None or isinstance(name, bool):
        raise OptionError(f"--checkpoint {text!r} names no checkpoint; give best, last or a step")
    step, known = int(match[1]), dict(run.checkpoints)
    if step not in known:
        raise RunError(f"{run.path} has no checkpoint of step {step}; it has {', '.join(map(str, known)) or 'none'}")
    return step, known[step]


def _best(run: Run, by: str) -> tuple[int, Path]:
    """The checkpoint that is marked as the best by some metric."""
    found = {
        mark[len(BEST) + 1 :]: (step, folder)
        for step, folder in run.checkpoints
        for mark in marks(folder)
        if mark.startswith(f"{BEST} ")
    }
    if not found:
        raise RunError(
            f"{run.path} has no checkpoint that is marked as the best: it was trained without --keep-best METRIC; "
            "--checkpoint last is its newest"
        )
    has = ", ".join(f"{BEST}:{each}" for each in sorted(found))
    if by:
        if by not in found:
            raise RunError(f"{run.path} has no checkpoint that is best by {by}; it has that of {has}")
        return found[by]
    if len({*found.values()}) > 1:
        raise OptionError(f"--checkpoint {BEST}: {run.path} has several; give one of {has}")
    return next(iter(found.values()))


def one_of(checkpoint: int | str | None, step: int | None) -> int | str | None:
    """What ``--checkpoint`` and its older spelling ``--step`` name. Raises OptionError where both are given."""
    if checkpoint is not None and step is not None:
        raise OptionError("--checkpoint and --step both say which checkpoint; give one of them")
    return step if checkpoint is None else checkpoint
