"""Looks at a training for its monitors, and does about trouble what ``--on-trouble`` says."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from torch import Tensor

from zoo.engine.build import TrainingState
from zoo.engine.health import readings
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.overfitting import EVERY, Probe
from zoo.engine.health.policy import ADVICE
from zoo.engine.health.rollback import RollbackError
from zoo.engine.health.variety import comparable, small, spread_of_data
from zoo.run.journal import Journal
from zoo.system.streams import stream_seed

log = logging.getLogger(__name__)


class Monitoring:
    """Asks the monitors where something is logged or drawn anyway. No number of the run changes, and no random one is drawn."""

    def __init__(self, state: TrainingState, journal: Journal) -> None:
        self._state = state
        self._journal = journal
        self._health = state.health
        self._options = state.options
        self._probe: Probe | None = None
        self._probed: tuple[dict[str, float], float] | None = None
        self._variety_of_data: float | None = None
        if not self._health.begun:
            self._health.exploded.begin(readings.take(state.step, 0, {}).weights)
            self._health.begun = True

    def measure(self, done: int) -> dict[str, float]:
        """What D makes of images that are held out, for the line that is logged after `done` steps: every `EVERY` steps."""
        options, loader = self._options, self._state.batches.loader
        due = done // EVERY > max(0, done - options.log_every) // EVERY
        if not len(loader.held_out) or not (due or done == self._state.steps):
            return {}
        if self._probe is None:
            self._probe = Probe(loader, self._state.step, stream_seed(options.seed, "probe"))
        with self._state.architecture.guard("its networks failed in evaluation mode"):
            measured = self._probe.measure()
        self._probed = measured if due else None  # that of a last step is none of a longer run
        return measured[0]

    def update(self, done: int, logged: Mapping[str, float]) -> None:
        """Check what was logged after `done` steps. Raises RollbackError where the training is to stop, or to go back."""
        state, health = self._state, self._health
        seen = readings.take(state.step, done, logged)
        found = [health.not_finite.update(seen), health.scale_collapsed.update(seen)]
        if found == [None, None]:
            found += [health.exploded.update(seen), health.discriminator_won.update(seen, state.step.objective)]
            if self._probed is not None or not self._options.hold_out:
                found.append(health.overfitted.update(done, *(self._probed or ({}, 0.0))))
        self._probed = None
        self._report([trouble for trouble in found if trouble is not None])

    def update_images(self, done: int, images: Tensor, labels: Tensor | None) -> None:
        """Check the images (N, C, H, W) of the fixed latents after `done` steps, and their labels."""
        labels = comparable(labels)
        if self._variety_of_data is None:
            store = self._state.batches.loader.store
            self._variety_of_data = spread_of_data(store, by_class=labels is not None)
        trouble = self._health.collapsed.update(done, small(images), labels, self._variety_of_data)
        self._report([] if trouble is None else [trouble])

    def not_finite(self, done: int, message: str) -> None:
        """Take note of a state after `done` steps that is not to be kept, as `message` says."""
        trouble = self._health.not_finite.found(done, message)
        self._report([] if trouble is None else [trouble])

    def _report(self, troubles: list[Trouble]) -> None:
        """Write events and lines. Raises RollbackError where the training is to stop, or to go back."""
        for trouble in troubles:
            finite = {name: value for name, value in trouble.values.items() if math.isfinite(value)}
            self._journal.write_event(trouble.step, trouble.kind, message=trouble.message, values=finite)
            helps = "" if self._options.on_trouble == "heal" else f"; try {ADVICE[trouble.kind]}"
            log.warning("step %d: %s%s", trouble.step, trouble.message, helps)
        if troubles and self._options.on_trouble != "warn":
            raise RollbackError(troubles[0])
