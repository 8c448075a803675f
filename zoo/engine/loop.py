"""The training loop: steps, and what is written between them."""

from __future__ import annotations

import logging
import math
from contextlib import ExitStack
from pathlib import Path

import torch

from zoo.callback import Callback
from zoo.engine.build import TrainingState
from zoo.engine.checkpoint_writer import CheckpointWriter
from zoo.engine.checkpointing import networks, save_state
from zoo.engine.data_check import DataCheck
from zoo.engine.film_and_curves import make_film_and_curves
from zoo.engine.forecast import Forecast
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.monitoring import Monitoring
from zoo.engine.health.rollback import RollbackError
from zoo.engine.layout import layout_advice
from zoo.engine.losses import Statistics
from zoo.engine.runtime.clock import Clock
from zoo.engine.runtime.interrupt import Interrupt
from zoo.engine.runtime.memory import keep_freed_memory
from zoo.errors import RunError
from zoo.generate.latent.latents import Latents
from zoo.generate.pictures.grid import columns_for, save, save_grid
from zoo.generate.pictures.scatter import scatter, to_points
from zoo.generate.sampling import draw_images
from zoo.run.files import advising, writing
from zoo.run.journal import Journal
from zoo.run.run import Run, quoted
from zoo.run.scores import write_scores
from zoo.run.snapshot import NotFiniteError, take_snapshot
from zoo.system.streams import stream_seed

log = logging.getLogger(__name__)

REAL_POINTS = 4000
"""How many real points the pictures of a run on toy data show."""


class TrainingLoop:
    """Trains into a run directory, from step `start` up to the plan's last."""

    def __init__(
        self,
        run: Run,
        state: TrainingState,
        callbacks: Callback | None = None,
        start: int = 0,
        seconds: float = 0.0,
        interrupt: Interrupt | None = None,
        until: int | None = None,
    ) -> None:
        """`seconds`: the time spent in the steps before `start`. `interrupt`: what tells of signals that ask to stop.

        `until`: the step after which it stops, as if it had been asked to, where steps are only done again.
        """
        self.run = run
        self.state = state
        self.architecture = state.architecture
        self.options = options = state.options
        self.steps = state.steps
        self.callbacks = callbacks or Callback()
        self.start = start
        self.interrupt = interrupt or Interrupt()
        self._until = self.steps if until is None else until
        self._again = until is not None
        self._clock = Clock(seconds)
        latents = Latents(stream_seed(options.seed, "grid"), options.latent, options.latent_distribution)
        self._grid_latents = latents.draw(options.samples)
        classes = state.step.classes
        self._grid_labels = torch.arange(options.samples) % classes if classes else None
        self._columns = columns_for(options.samples, classes)
        store = state.batches.loader.store
        self._checkpoints = CheckpointWriter(
            run.path / "checkpoints", options.keep_checkpoints, start or None, self.callbacks.on_checkpoint
        )
        self._data = DataCheck(store, run)
        self._real = store.images[:REAL_POINTS].reshape(-1, store.spec.width) if store.spec.points else None

    def run_steps(self) -> Trouble | None:
        """Train until all steps are done or `interrupt` has a signal that asks to stop.

        Either way the newest checkpoint holds the last step that was done. What comes back is trouble that is to be healed.
        """
        try:
            self._run_steps()
        except RollbackError as setback:
            return setback.trouble
        return None

    def _run_steps(self) -> None:
        keep_freed_memory()
        done = self.start
        statistics: Statistics = {}
        with self.interrupt.listening():
            with advising(self.run.going_on), Journal(self.run.path / "metrics.jsonl") as journal:
                with ExitStack() as closing:
                    for resource in (self.state.batches, self._data, self._checkpoints):
                        closing.callback(resource.close)
                    self._monitoring = Monitoring(self.state, journal)
                    self.callbacks.on_start(self.run, done, self.steps)
                    if done == 0:
                        self._sample(0)
                        if self.options.on_trouble != "warn" and not self.run.checkpoints:
                            self._checkpoint(0, journal)  # there may be nothing else to go back to
                    if self.state.evaluations is not None and not self._again:
                        self.state.evaluations.reconcile(self.run)
                    self._data.begin()
                    self._clock.start(self.state.batches.images)
                    forecast = Forecast(self.state, self.start, self._clock)
                    while done < self._until and self.interrupt.signal is None and not self._over:
                        statistics = self._step(done)
                        done += 1
                        self._after(done, statistics, journal)
                        if line := forecast.after(done):
                            log.info(line)
                    if self._checkpoints.submitted_step != done:
                        self._refuse_divergence(done, {name: float(value) for name, value in statistics.items()})
                        self._checkpoint(done, journal)
                    self._checkpoints.finish()
                finished = done == self.steps or self._over
                if self.state.evaluations is not None and self._over and done < self.steps:
                    log.info(self.state.evaluations.why_over(self.run.path, done, self.steps))
                if finished and self.state.evaluations is not None and (line := self.state.evaluations.why_none):
                    log.warning(line)
                if finished and not self._again:
                    make_film_and_curves(self.run)
            self.callbacks.on_end(self.run, done, finished)

    def _step(self, number: int) -> Statistics:
        self.state.set_schedules(number)
        try:
            statistics = self.state.run(number)
        except (Exception, SystemExit) as error:
            with self.architecture.guard(f"step {number + 1} failed", f"{self._advice()}{layout_advice(error)}"):
                raise error
        self.state.average(number)
        return statistics

    def _advice(self) -> str:
        """What to do when a step has failed: the step is lost, the newest checkpoint is not."""
        saved = self._checkpoints.wait()
        if saved is None:
            return f"no checkpoint was written yet: mend it, then zoo resume {quoted(self.run.path)} begins again at step 0"
        return f"the checkpoint of step {saved} is whole: mend it, then zoo resume {quoted(self.run.path)}"

    def _after(self, done: int, statistics: Statistics, journal: Journal) -> None:
        """What is due after step `done`: a log line, a grid, an evaluation, a checkpoint."""
        last = done == self.steps
        write = last or done % self.options.log_every == 0
        picture = last or self._due(done, self.options.sample_every)
        save = last or self._due(done, self.options.checkpoint_every)
        # Of a last step too only where it is a multiple: a shorter run that goes on is to be the same as the longer one.
        evaluate = self.state.evaluations is not None and done % self.options.evaluate_every == 0
        if write or save or evaluate:
            read = {name: float(value) for name, value in statistics.items()}  # the one place that waits for the device
            if write:
                self._log(done, read, journal)
                if done % self.options.log_every == 0:  # looks are those of a longer run, which this may become
                    self._monitoring.update(done, read)
            self._refuse_divergence(done, read)
        if picture:
            self._sample(done, looking=self._due(done, self.options.sample_every))
        best = evaluate and self._evaluate(done)
        if self._over and not picture:
            self._sample(done, looking=False)
        if save or best:
            self._checkpoint(done, journal, best)
        self._checkpoints.collect()
        self.callbacks.on_step(done)

    def _due(self, done: int, every: int) -> bool:
        """Whether something is due after step `done` that comes every so many steps, or at the end of each epoch."""
        if not self.options.each_epoch:
            return done % every == 0
        return int(self.state.epochs_after(done)) > int(self.state.epochs_after(done - 1))

    def _log(self, done: int, statistics: dict[str, float], journal: Journal) -> None:
        with self._clock.paused():
            measured = self._monitoring.measure(done)
        metrics = {
            "step": done,
            **statistics,
            **measured,
            "learning_rate": self.state.learning_rates(done - 1)["generator"],
            "images_per_second": self._clock.lap(self.state.batches.images),
            "seconds": round(self._clock.seconds, 3),
        }
        journal.write(metrics)
        self.callbacks.on_metrics(metrics)

    def _refuse_divergence(self, done: int, statistics: dict[str, float]) -> None:
        """Stop before broken weights replace the last good checkpoint."""
        for name, value in statistics.items():
            if not math.isfinite(value):
                self._monitoring.update(done, statistics)  # which may heal it
                raise RunError(f"{name} is {value} at step {done}: training has diverged. {self._last_good()}")

    def _sample(self, done: int, looking: bool = True) -> None:
        """Draw the grid of the fixed latents to its file. `looking`: monitors look at it too."""
        path = self.run.path / "samples" / f"step-{done:08d}.png"
        with self._clock.paused(), writing(path):
            path.parent.mkdir(exist_ok=True)
            try:
                images = draw_images(self.state.sampling_generator, self._grid_latents, self._grid_labels)
            except (Exception, SystemExit) as error:
                with self.architecture.guard("its generator failed", self._advice()):
                    raise error
            if self._real is None:
                save_grid(images, path, self._columns)
            else:
                save(scatter(to_points(images), self._real), path)
        self.callbacks.on_sample(done, path)
        if looking:
            with self._clock.paused():
                self._monitoring.update_images(done, images, self._grid_labels)

    def _evaluate(self, done: int) -> bool:
        """Measure the generator, and write the scores; whether the checkpoint is to be kept as the best."""
        evaluations = self.state.evaluations
        assert evaluations is not None
        with self._clock.paused():
            scores = evaluations.evaluate(done, self.state.batches.device)
            if scores is None:
                return False
            write_scores(self.run.path, scores)
            best = evaluations.take(scores)
        self.callbacks.on_evaluation(scores)
        return best

    @property
    def _over(self) -> bool:
        """Whether nothing was gained for so long that the run ends."""
        return self.state.evaluations is not None and self.state.evaluations.over

    def _checkpoint(self, done: int, journal: Journal, best: bool = False) -> None:
        """Copy the state, which is written while the training goes on; of data that is whole, and of numbers that are finite.

        `best`: it is kept as the best so far.
        """
        with self._clock.paused():
            if self.interrupt.signal is None:  # whoever stops now does not wait for the rest of the data to be read
                self._data.finish()
            self.run.confirm_held()
            self._checkpoints.finish()  # before the next copy is made: there is one in memory at a time
            journal.confirm()
            try:
                snapshot = take_snapshot(networks(self.state), save_state(self.state, done, self._clock.seconds))
            except NotFiniteError as error:
                self._monitoring.not_finite(done, str(error))  # which may heal it
                raise RunError(f"{error} at step {done}: training has diverged. {self._last_good()}") from None
            evaluations = self.state.evaluations
            keep_as = evaluations.keep_as if best and evaluations is not None else None
            self._checkpoints.begin(snapshot, self._protected(), before_commit=journal.sync, keep_as=keep_as)

    def scheduled_checkpoints(self) -> list[tuple[int, Path]]:
        """Those of the run that were due, oldest first: not those of a run that was stopped, which an unstopped one has not."""
        every = self.options.checkpoint_every
        return [(step, path) for step, path in self.run.checkpoints if step == 0 or self._due(step, every)]

    def _protected(self) -> set[int]:
        """The steps of the checkpoints that are kept because the training may have to go back to them."""
        if self.options.on_trouble == "warn":
            return set()
        steps = [step for step, _ in self.scheduled_checkpoints()]
        return {max((step for step in steps if step <= ok), default=0) for ok in {0, *self.state.health.last_ok_steps}}

    def release(self) -> None:
        """Let go of networks, optimisers and data: what goes on in the place of this loop builds its own."""
        del self.state, self._monitoring, self._data, self._real

    def _last_good(self) -> str:
        """What is left of a training that has diverged, and what to do."""
        saved = self._checkpoints.wait()
        left = "No checkpoint was written yet" if saved is None else f"step-{saved:08d} is the last good checkpoint"
        precision = "" if self.options.precision == "float32" else " (or --precision float32)"
        how = f"zoo resume {quoted(self.run.path)} --learning-rate {self.options.learning_rate / 10:g}{precision}"
        return f"{left}; {how} {'begins again' if saved is None else 'goes on from it'}"
