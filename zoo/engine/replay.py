"""The last steps of a run done again, from the last but one checkpoint to the last: are the numbers the same to the last bit?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.callback import Callback
from zoo.data.prepared import place
from zoo.data.store import ImageStore, store_directory
from zoo.engine.build import build, prepare_data
from zoo.engine.callbacks import Callbacks
from zoo.engine.changes import options_at
from zoo.engine.checkpointing import load_checkpoint
from zoo.engine.evaluation.prepare import prepare_evaluations
from zoo.engine.loop import TrainingLoop
from zoo.engine.plan import RunPlan, plan_resume
from zoo.engine.rehearsal import rehearse
from zoo.engine.runtime.device import determinism
from zoo.engine.runtime.environment import differences as differing
from zoo.engine.runtime.environment import environment
from zoo.engine.runtime.interrupt import Interrupt
from zoo.engine.same_data import numbered_as
from zoo.errors import ZooError
from zoo.options import Options
from zoo.plugins.registry import architecture_of, registry
from zoo.run.comparing import differences, without_timing
from zoo.run.config import write_config
from zoo.run.run import Run


class NotReplayedError(ZooError):
    """Steps that cannot be done again here, with the reason."""


@dataclass(frozen=True)
class Replayed:
    """What came of it."""

    start: int
    end: int
    differs: list[str]
    """What is not as it was: tensors by name, metrics by step. Empty where all is the same to the last bit."""
    circumstances: list[str]
    """What computes otherwise than when the run began, so that a difference is no damage."""


class Replay:
    """The last two checkpoints of a run, and the plan by which one came of the other."""

    def __init__(self, run: Run, data: str | None = None) -> None:
        """Raises NotReplayedError where there is no checkpoint, or its data or plugin is not here."""
        self.run = run
        pair = run.checkpoints[-2:]
        if not pair:
            raise NotReplayedError("there is no checkpoint yet")
        (self.start, self.before), (self.end, self.after) = pair[0], pair[-1]
        try:
            architecture = architecture_of(run)
            self._then, now = (options_at(run, architecture, step) for step in (self.start, self.end))
            self._seen = Run(run.path)
            self._seen.config = self._config(now)
            self.plan: RunPlan = plan_resume(self._seen, data=data)
        except ZooError as error:
            raise NotReplayedError(str(error)) from error

    @property
    def impossible(self) -> str:
        """Why the steps cannot be done again, whatever the data; empty where they can."""
        if self.start == self.end:
            return "it goes from one checkpoint to the next, and there is one alone"
        for change in self.run.changes:
            if self.start < change["step"] < self.end:
                return f"options became others at step {change['step']}, between the last two checkpoints"
        return ""

    @property
    def store(self) -> Path:
        """Where the prepared data lies, if it is prepared."""
        return store_directory(self.plan.source, self.plan.spec, self.plan.options.fit, place())

    def _config(self, now: Options) -> dict[str, Any]:
        """The run's configuration as it was when the last checkpoint was written."""
        changes = [change for change in self.run.changes if change["step"] < self.end]
        capture = {"capture": self.run.config["options"].get("capture", False)}
        options = now.model_dump(mode="json") | capture
        return {**self.run.config, "options": options, **({"changes": changes} if changes else {})}

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> ImageStore:
        """The run's data. Raises NotReplayedError where it cannot be prepared."""
        try:
            return numbered_as(self.run, self.plan.architecture, prepare_data(self.plan, progress))
        except ZooError as error:
            raise NotReplayedError(str(error)) from error

    def run_in(self, folder: Path, store: ImageStore, callbacks: Sequence[Callback] = ()) -> Replayed:
        """Do the steps again in `folder`, which is empty. Takes as long as they took. Raises RunError, as training does."""
        write_config(folder, self._seen.config)
        (folder / "checkpoints").mkdir()
        copy, interrupt = Run(folder), Interrupt()
        with interrupt.handed_on(), determinism(self.plan.options.deterministic):
            state = build(self.plan, store)
            rehearse(state, self.plan.spec)
            prepare_evaluations(self.plan, state)
            seconds = load_checkpoint(state, self.before, self._then)
            loop = TrainingLoop(copy, state, Callbacks(callbacks), self.start, seconds, interrupt, until=self.end)
            if trouble := loop.run_steps():
                raise NotReplayedError(
                    f"it goes wrong at step {trouble.step}, where the run did not: {trouble.message}"
                )
        ours = dict(copy.checkpoints).get(self.end)
        found = differences(ours, self.after) if ours else [f"step {self.end}"]
        return Replayed(self.start, self.end, found + self._lines_that_differ(copy), self._circumstances())

    def _lines_that_differ(self, copy: Run) -> list[str]:
        ours, theirs = (
            {
                line["step"]: without_timing(line)
                for line in run.metrics()
                if isinstance(line.get("step"), int) and self.start < line["step"] <= self.end
            }
            for run in (copy, self.run)
        )
        return [f"metrics of step {step}" for step in sorted(ours.keys() & theirs.keys()) if ours[step] != theirs[step]]

    def _circumstances(self) -> list[str]:
        config = self.run.config
        plugin = registry().contribution(self.plan.architecture.name).plugin.version
        then = {**(config.get("environment") or {}), "plugin": (config.get("plugin") or {}).get("version")}
        found = differing(then, {**environment(self.plan.device, self.plan.options.precision), "plugin": plugin})
        if self.plan.device.type != "cpu" and not self.plan.options.deterministic:
            found.append("numbers on a GPU are the same each time with --deterministic alone")
        return found
