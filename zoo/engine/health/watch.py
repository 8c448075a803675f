"""Looks at a training for its monitors, and does about trouble what ``--on-trouble`` says."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from torch import Tensor

from zoo.engine.build import TrainingState
from zoo.engine.health import readings
from zoo.engine.health.going_back import SetbackError
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.overfitting import EVERY, Probe
from zoo.engine.health.policy import ADVICE
from zoo.engine.health.variety import small, spread_of_data
from zoo.engine.runtime.seeds import stream_seed
from zoo.run.journal import Journal

log = logging.getLogger(__name__)


class Watch:
    """Looks where something is logged or drawn anyway. It changes no number of the run, and draws none of its random ones."""

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
        before = max(0, done - options.log_every)
        if not len(loader.held_out) or (done // EVERY == before // EVERY and done != self._state.steps):
            return {}
        if self._probe is None:
            self._probe = Probe(loader, self._state.step, stream_seed(options.seed, "probe"))
        with self._state.architecture.guard("its networks failed in evaluation mode"):
            self._probed = self._probe.ask()
        return self._probed[0]

    def look(self, done: int, logged: Mapping[str, float]) -> None:
        """Look at the numbers that were logged after `done` steps."""
        state, health = self._state, self._health
        seen = readings.take(state.step, done, logged)
        found = [health.not_finite.look(seen), health.scale_collapsed.look(seen)]
        if found == [None, None]:
            found += [health.exploded.look(seen), health.discriminator_won.look(seen, state.step.objective)]
            if self._probed is not None or not self._options.hold_out:
                found.append(health.overfitted.look(done, *(self._probed or ({}, 0.0))))
        self._probed = None
        self._tell([trouble for trouble in found if trouble is not None])

    def look_at_pictures(self, done: int, images: Tensor, labels: Tensor | None) -> None:
        """Look at the images (N, C, H, W) of the fixed latents after `done` steps, and their labels."""
        if self._variety_of_data is None:
            store = self._state.batches.loader.store
            self._variety_of_data = spread_of_data(store, by_class=labels is not None)
        trouble = self._health.collapsed.look(done, small(images), labels, self._variety_of_data)
        self._tell([] if trouble is None else [trouble])

    def not_finite(self, done: int, message: str) -> None:
        """Take note of a state after `done` steps that is not to be kept, as `message` says."""
        trouble = self._health.not_finite.found(done, message)
        self._tell([] if trouble is None else [trouble])

    @property
    def spared(self) -> set[int]:
        """The steps whose newest checkpoint before them is to be kept, as a training may have to go back to it."""
        return set() if self._options.on_trouble == "warn" else {0, *self._health.wells}

    def _tell(self, troubles: list[Trouble]) -> None:
        """Write events and lines. Raises SetbackError where the training is to stop, or to go back."""
        for trouble in troubles:
            finite = {name: value for name, value in trouble.values.items() if math.isfinite(value)}
            self._journal.write_event(trouble.step, trouble.kind, message=trouble.message, values=finite)
            helps = "" if self._options.on_trouble == "heal" else f"; what helps: {ADVICE[trouble.kind]}"
            log.warning("step %d: %s%s", trouble.step, trouble.message, helps)
        if troubles and self._options.on_trouble != "warn":
            raise SetbackError(troubles[0])
