"""Going back to the last good checkpoint: which it is, what is tried from there, and what is written of that.

All of it is decided by what the run directory holds, and written so that a process killed at any moment meets it again: first the
checkpoints behind the good one go, then metrics.jsonl ends with it, then config.json has the changes. Whoever resumes in
between goes on from the good checkpoint, comes into the same trouble, and does the same about it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.spec import DataSpec
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.policy import ADVICE, AUGMENTATIONS, Changes, Situation, next_changes
from zoo.options import Options
from zoo.options.resolve import flag
from zoo.plugins.kinds import AUGMENTATION
from zoo.plugins.registry import registry
from zoo.run.events import write_healed
from zoo.run.files import discard, writing
from zoo.run.journal import truncate
from zoo.run.marks import is_kept
from zoo.run.retention import set_aside
from zoo.run.run import Run, quoted
from zoo.run.scores import cut_scores

log = logging.getLogger(__name__)


class RollbackError(Exception):
    """A training that is to go back to its last good checkpoint."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@dataclass(frozen=True)
class Healing:
    """What is done about trouble."""

    number: int
    """Its number in the run, from 1."""
    trouble: Trouble
    start: int
    """The step of the last good checkpoint."""
    folder: Path
    """That checkpoint."""
    remedy: int
    """Which of the remedies of its kind."""
    changes: Changes
    """The options that are others from there on."""

    @property
    def flags(self) -> str:
        """The changes, as they would be typed."""
        return ", ".join(f"{flag(name)} {_said(value)}" for name, value in self.changes.items())

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
            "detected_at": trouble.step,
            "message": trouble.message,
            "remedy": self.remedy,
            "changes": changes,
        }


class NotHealedError(Exception):
    """There is nothing that could be tried, with the reason."""


Checkpoints = Sequence[tuple[int, Path]]
"""Steps and folders, oldest first, of those that can be gone back to: `TrainingLoop.scheduled_checkpoints`."""


def plan_healing(run: Run, options: Options, spec: DataSpec, trouble: Trouble, checkpoints: Checkpoints) -> Healing:
    """What to do about trouble, which a line in the log says; nothing is done yet. Raises NotHealedError where nothing is left."""
    before = run.healing
    if len(before) >= options.heal_times:
        raise NotHealedError(
            f"which healing has not mended, tried {len(before)} time{'s' if len(before) > 1 else ''} (--heal-times)"
        )
    target = rollback_target(checkpoints, trouble)
    if target is None:
        raise NotHealedError("and healing has nothing to go back to")
    remedy, changes = _next_remedy(run, options, spec, trouble)
    if not changes:
        raise NotHealedError("and nothing is left to be tried (docs: Runs)")
    if any((each["trouble"], each["step"]) == (trouble.kind, target[0]) for each in before):
        target = checkpoints[0]  # from where it goes wrong all the same
    start, folder = target
    healing = Healing(len(before) + 1, trouble, start, folder, remedy, changes)
    log.warning("healing %d of %d: back to step %d, with %s", healing.number, options.heal_times, start, healing.flags)
    return healing


def write_healing(run: Run, healing: Healing, config: dict[str, Any]) -> None:
    """Make the run directory one that goes on from the good checkpoint, under `config`, with the changes.

    Newer checkpoints are removed; those that are marked to be kept are renamed.
    """
    for step, folder in reversed(run.checkpoints):
        if step > healing.start and not is_kept(folder):
            with writing(folder):
                discard(folder)
    set_aside(run.path / "checkpoints", healing.start)
    metrics = run.path / "metrics.jsonl"
    if note := truncate(metrics, healing.start):
        log.warning(note)
    cut_scores(run.path, healing.start)
    write_healed(metrics, healing.event)
    run.save_config({**config, "healing": [*run.healing, healing.event]})


def rollback_target(checkpoints: Checkpoints, trouble: Trouble) -> tuple[int, Path] | None:
    """The newest checkpoint from before the trouble."""
    return next(((step, path) for step, path in reversed(checkpoints) if step <= trouble.last_ok_step), None)


def set_aside_after_target(
    run: Run, options: Options, spec: DataSpec, trouble: Trouble, checkpoints: Checkpoints
) -> str:
    """Make the last good checkpoint the newest: those behind it are renamed. Returns what a person should know, and can do."""
    target = rollback_target(checkpoints, trouble)
    if target is None:
        return "no checkpoint is from before it; train again with other options"
    renamed = [name for _, name in set_aside(run.path / "checkpoints", target[0], "trouble")]
    rest = f" ({', '.join(renamed)}: from behind it)" if renamed else ""
    _, changes = _next_remedy(run, options, spec, trouble)
    flags = "".join(f" {flag(name)} {_said(value)}" for name, value in changes.items())
    how = "goes on from there" if flags else f"goes on from there; try {ADVICE[trouble.kind]} with it"
    return f"the newest checkpoint is that of step {target[0]}, from before it{rest}; zoo resume {quoted(run.path)}{flags} {how}"


def _next_remedy(run: Run, options: Options, spec: DataSpec, trouble: Trouble) -> tuple[int, Changes]:
    """The first remedy that the run has not tried against trouble of that kind: its place, and the changes, if one is left."""
    tried = [each["remedy"] for each in run.healing if each["trouble"] == trouble.kind]
    return next_changes(Situation(options, trouble, _augmentations(spec)), max(tried) + 1 if tried else 0)


def _augmentations(spec: DataSpec) -> list[str]:
    """Those of DiffAugment that are installed and suit the data."""
    known = registry().names_of(AUGMENTATION)
    return [
        name for name in AUGMENTATIONS if name in known and not registry().find(AUGMENTATION, name)().unsuited(spec)
    ]


def _said(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
