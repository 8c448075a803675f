"""Going back to the last good checkpoint: which it is, what is tried from there, and what is written of that.

All of it is decided by what the run directory holds, and written so that a process killed at any moment meets it again: first the
checkpoints behind the good one go, then metrics.jsonl ends with it, then config.json has the changes. Whoever resumes in
between goes on from the good checkpoint, comes into the same trouble, and does the same about it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.spec import DataSpec
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.policy import AUGMENTATIONS, Changes, Situation, next_changes
from zoo.errors import RunError
from zoo.options import Options
from zoo.options.resolve import flag
from zoo.plugins.kinds import AUGMENTATION
from zoo.plugins.registry import registry
from zoo.run.checkpoint import set_aside
from zoo.run.events import write_healed
from zoo.run.files import discard, writing
from zoo.run.journal import truncate
from zoo.run.run import Run, quoted

log = logging.getLogger(__name__)


class SetbackError(Exception):
    """A training that is to go back to its last good checkpoint."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@dataclass(frozen=True)
class Healing:
    """What is done about trouble."""

    number: int
    """The how manieth of the run, from 1."""
    trouble: Trouble
    start: int
    """The step of the last good checkpoint."""
    folder: Path
    """That checkpoint."""
    place: int
    """Which of the remedies of its kind."""
    changes: Changes
    """The options that are others from there on."""

    @property
    def event(self) -> dict[str, Any]:
        """A line of metrics.jsonl, and of ``healing`` in config.json."""
        trouble = self.trouble
        changes = {name: list(value) if isinstance(value, tuple) else value for name, value in self.changes.items()}
        return {
            "step": self.start,
            "event": "healed",
            "number": self.number,
            "trouble": trouble.kind,
            "at": trouble.step,
            "message": trouble.message,
            "place": self.place,
            "changes": changes,
        }


def plan_healing(run: Run, options: Options, spec: DataSpec, trouble: Trouble) -> Healing:
    """What to do about trouble, told in a line. Raises RunError where nothing is left to do, and sets aside what is not good."""
    told = f"{trouble.message} at step {trouble.step}"
    before = run.healing
    if len(before) >= options.heal_times:
        times = f"tried {len(before)} time{'s' if len(before) > 1 else ''} (--heal-times)"
        raise RunError(f"{told}, which healing has not mended, {times}; {make_newest(run, trouble)}")
    good = last_good(run, trouble)
    if good is None:
        raise RunError(f"{told}, and no checkpoint is from before it: train again with other options")
    same = [each["place"] for each in before if each["trouble"] == trouble.kind]
    situation = Situation(options, trouble, _augmentations(spec))
    place, changes = next_changes(situation, max(same) + 1 if same else 0)
    if not changes:
        raise RunError(f"{told}, and nothing is left to be tried (docs: Runs); {make_newest(run, trouble)}")
    if any((each["trouble"], each["step"]) == (trouble.kind, good[0]) for each in before):
        good = run.checkpoints[0]  # from where it goes wrong all the same
    start, folder = good
    said = ", ".join(f"{flag(name)} {_said(value)}" for name, value in changes.items())
    log.warning("healing %d of %d: back to step %d, with %s", len(before) + 1, options.heal_times, start, said)
    return Healing(len(before) + 1, trouble, start, folder, place, changes)


def write_healing(run: Run, healing: Healing, config: dict[str, Any]) -> None:
    """Make the run directory one that goes on from the good checkpoint, under `config`, with the changes."""
    for step, folder in reversed(run.checkpoints):
        if step > healing.start:
            with writing(folder):
                discard(folder)
    metrics = run.path / "metrics.jsonl"
    if note := truncate(metrics, healing.start):
        log.warning(note)
    write_healed(metrics, healing.event)
    run.save_config({**config, "healing": [*run.healing, healing.event]})


def last_good(run: Run, trouble: Trouble) -> tuple[int, Path] | None:
    """The newest checkpoint from before the trouble."""
    return next(((step, path) for step, path in reversed(run.checkpoints) if step <= trouble.well), None)


def make_newest(run: Run, trouble: Trouble) -> str:
    """Make the last good checkpoint the newest: those behind it are renamed. Returns what a person should know."""
    good = last_good(run, trouble)
    if good is None:
        return "no checkpoint is from before it; train again with other options"
    renamed = [name for _, name in set_aside(run.path / "checkpoints", good[0], "trouble")]
    rest = f" ({', '.join(renamed)}: from behind it)" if renamed else ""
    return (
        f"the newest checkpoint is that of step {good[0]}, from before it{rest}; zoo resume {quoted(run.path)} goes on from there, "
        "with other options perhaps (docs: Runs, when a training goes wrong)"
    )


def _augmentations(spec: DataSpec) -> list[str]:
    """Those of DiffAugment that are installed and suit the data."""
    known = registry().names_of(AUGMENTATION)
    return [
        name for name in AUGMENTATIONS if name in known and not registry().find(AUGMENTATION, name)().unsuited(spec)
    ]


def _said(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
