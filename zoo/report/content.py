"""What a report says of one run: read once, of its own folder alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.report.guard import Guard, is_within
from zoo.report.weights import count_parameters
from zoo.run.checkpoint_list import ROLES
from zoo.run.journal import last_metrics
from zoo.run.marks import KEPT, marks
from zoo.run.run import Run
from zoo.run.scores import SCORES, Scores, read_scores, score_faults

MOST_METRICS = 4000
"""Lines of metrics.jsonl that curves are drawn of: a screen has fewer columns."""

_LARGEST_SCORES = 64 << 20  # bytes
_JOURNAL = "metrics.jsonl"


@dataclass(frozen=True)
class Content:
    """A run as its folder has it."""

    run: Run
    guard: Guard
    """Reads what is read later, pictures above all, and has the lines on what is left out."""
    metrics: Sequence[Mapping[str, Any]] = ()
    last: Mapping[str, Any] = field(default_factory=dict)
    """The last line of them."""
    events: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Mapping[str, Any]] = ()
    healing: Sequence[Mapping[str, Any]] = ()
    scores: Sequence[Scores] = ()
    checkpoints: Sequence[tuple[int, Mapping[str, str]]] = ()
    """The steps of the whole ones, and what each is kept as."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Of each network of the newest checkpoint."""
    called: str = ""
    """What tells the run from others of that name on the page."""

    @property
    def name(self) -> str:
        """What tells it from others; the name of its folder."""
        return self.called or self.run.path.resolve().name or "run"

    @property
    def config(self) -> Mapping[str, Any]:
        """What config.json holds."""
        return self.run.config

    def part(self, name: str) -> Mapping[str, Any]:
        """A part of it that has names and values; empty where it has none."""
        found = self.config.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def steps(self) -> int | None:
        """How many steps the run is to have; None where that is not known."""
        return _whole(self.config.get("steps"))

    @property
    def done(self) -> int:
        """How many are done: logged, or saved."""
        saved = self.checkpoints[-1][0] if self.checkpoints else 0
        return max(saved, _whole(self.last.get("step")) or 0)

    @property
    def state(self) -> str:
        """finished, in training, or stopped."""
        saved = self.checkpoints[-1][0] if self.checkpoints else 0
        if self.steps is not None and saved >= self.steps:
            return "finished"
        holder = self.run.holder
        if holder is not None:
            return "in training"
        return "finished" if self.steps is not None and self.done >= self.steps > 0 else "stopped"


def read_run(path: Path) -> Content:
    """Read a run. Raises RunError where there is none, or its config.json cannot be read."""
    if path.is_dir() and not is_within(path, path / "config.json"):
        raise RunError(f"{path / 'config.json'} is a link that leads out of the run; put the file in its place")
    run, guard = Run(path), Guard(path)
    checkpoints = guard.read("checkpoints", lambda: run.checkpoints, None, "checkpoints") or []
    journal = path / _JOURNAL
    last = guard.read("progress", lambda: last_metrics(journal), None, _JOURNAL)
    content = Content(
        run,
        guard,
        guard.read("curves", lambda: run.metrics(MOST_METRICS), (), _JOURNAL),
        last or {},
        guard.read("trouble", run.events, (), _JOURNAL),
        guard.read("changes", lambda: run.changes, ()),
        guard.read("healing", lambda: run.healing, ()),
        guard.read("scores", lambda: _scores(path), (), SCORES),
        [(step, _marks(guard, folder)) for step, folder in checkpoints],
        _parameters(guard, checkpoints[-1][1]) if checkpoints else {},
    )
    for fault in _faults_of_scores(path):
        guard.leave_out(f"of {SCORES}: {fault}")
    if not run.config_intact:
        guard.leave_out("nothing, but config.json was changed since zoo wrote it")
    if not content.metrics:
        guard.leave_out("curves: metrics.jsonl has no lines")
    return content


def _scores(path: Path) -> list[Scores]:
    place = path / SCORES
    if place.exists() and place.stat().st_size > _LARGEST_SCORES:
        raise RunError(f"{SCORES} has more than {_LARGEST_SCORES:,} bytes")
    return read_scores(path)


def _faults_of_scores(path: Path) -> list[str]:
    with suppress(Exception):  # what else is wrong with them is told already
        if is_within(path, path / SCORES) and (path / SCORES).stat().st_size <= _LARGEST_SCORES:
            return score_faults(path)
    return []


def _marks(guard: Guard, folder: Path) -> Mapping[str, str]:
    place = Path("checkpoints", folder.name, KEPT)
    return guard.read(f"checkpoint {folder.name}", lambda: marks(folder), {}, str(place))


def _parameters(guard: Guard, folder: Path) -> dict[str, int]:
    found = {}
    for role in ROLES:
        name = f"{role}.safetensors"
        place = str(Path("checkpoints", folder.name, name))
        count = guard.read(f"parameters of the {role}", partial(count_parameters, folder / name), None, place)
        if count is not None:
            found[role] = count
    return found


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
