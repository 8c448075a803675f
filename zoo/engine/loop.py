"""The training loop: steps, and what is written between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from zoo.callback import Watcher
from zoo.engine.build import Assembly
from zoo.engine.optim.build import base_rates, momentum_at, rate_at, set_momentum, set_rate
from zoo.engine.runtime.interrupt import Interrupt
from zoo.engine.runtime.memory import keep_freed_memory
from zoo.engine.runtime.seeds import stream_seed
from zoo.engine.state import capture, networks
from zoo.engine.step import Statistics
from zoo.errors import RunError, in_one_line
from zoo.generate.animation import animate
from zoo.generate.grid import columns_for, save, save_grid
from zoo.generate.latents import Latents
from zoo.generate.sampling import draw_images
from zoo.generate.scatter import scatter, to_points
from zoo.options import Options
from zoo.plots.curves import draw_curves_if_possible
from zoo.plugins.registry import guarding
from zoo.run.checkpoint import prune, write_checkpoint
from zoo.run.files import writing
from zoo.run.journal import Journal
from zoo.run.run import Run, quoted

REAL_POINTS = 4000
"""How many real points the pictures of a run on toy data show."""


class Trainer:
    """Trains an assembly into a run directory, from step `start` up to `steps`."""

    def __init__(
        self,
        run: Run,
        assembly: Assembly,
        options: Options,
        steps: int,
        watchers: Sequence[Watcher] = (),
        start: int = 0,
        seconds: float = 0.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.run = run
        self.assembly = assembly
        self.options = options
        self.steps = steps
        self.watchers = watchers
        self.start = start
        self._say = say
        self._saved: int | None = start or None
        self._rates = base_rates(options)
        self._clock = Clock(seconds)
        self._epoch = assembly.steps_per_epoch
        latents = Latents(stream_seed(options.seed, "grid"), options.latent, options.latent_distribution)
        self._grid_latents = latents.draw(options.samples)
        classes = assembly.step.classes
        self._grid_labels = torch.arange(options.samples) % classes if classes else None
        self._columns = columns_for(options.samples, classes)
        store = assembly.feed.loader.store
        self._real = store.images[:REAL_POINTS].reshape(-1, store.spec.width) if store.spec.points else None

    def train(self) -> int | None:
        """Train. Returns None when all steps are done, or the number of the signal that asked to stop.

        Either way the newest checkpoint holds the last step that was done.
        """
        keep_freed_memory()
        done = self.start
        statistics: Statistics = {}
        with Interrupt() as interrupt, Journal(self.run.path / "metrics.jsonl") as journal:
            for watcher in self.watchers:
                watcher.on_start(self.run, done, self.steps)
            if done == 0:
                self._sample(0)
            self._clock.start(self.assembly.feed.images)
            try:
                while done < self.steps and interrupt.signal is None:
                    statistics = self._step(done)
                    done += 1
                    self._after(done, statistics, journal)
                if self._saved != done:
                    self._refuse_divergence(done, {name: float(value) for name, value in statistics.items()})
                    self._checkpoint(done)
            finally:
                self.assembly.feed.close()
            finished = done == self.steps
            if finished:
                self._look_back()
        for watcher in self.watchers:
            watcher.on_end(self.run, done, finished)
        return None if finished else interrupt.signal

    def _look_back(self) -> None:
        """The film and the curves. The training is done whether or not they can be made; a line says why one is missing."""
        pictures: dict[str, Callable[[], object]] = {
            "samples.gif": lambda: animate(self.run.samples, self.run.path / "samples.gif"),
            "curves.png": lambda: draw_curves_if_possible(self.run),
        }
        for name, draw in pictures.items():
            try:
                draw()
            except Exception as error:  # a full disk, or whatever a broken matplotlib comes up with
                if self._say:
                    self._say(f"{name} is left out: {in_one_line(error)}")

    def _step(self, number: int) -> Statistics:
        for name, optimizer in self.assembly.step.optimizers.items():
            set_rate(optimizer, rate_at(self.options, self._rates[name], number, self.steps))
            set_momentum(optimizer, momentum_at(self.options, number))
        try:
            statistics = self.assembly.run(number)
        except (Exception, SystemExit) as error:
            advice = self._advice()
            if "view size is not compatible" in str(error):
                advice += (
                    "; weights of convolutions lie channels last here, which flatten and reshape take (docs/plugins.md)"
                )
            with guarding(self.assembly.architecture, f"step {number + 1} failed", advice):
                raise error
        if self.assembly.average and self.assembly.step.due("generator", number):
            self.assembly.average.update()
        return statistics

    def _advice(self) -> str:
        """What to do when a step has failed: the step is lost, the newest checkpoint is not."""
        if self._saved is None:
            return "no checkpoint was written yet: mend it and train again"
        return f"the checkpoint of step {self._saved} is whole: mend it, then zoo resume {quoted(self.run.path)}"

    def _after(self, done: int, statistics: Statistics, journal: Journal) -> None:
        """What is due after step `done`: a log line, a grid, a checkpoint."""
        last = done == self.steps
        log = last or done % self.options.log_every == 0
        picture = last or self._due(done, self.options.sample_every)
        save = last or self._due(done, self.options.checkpoint_every)
        if log or save:
            read = {name: float(value) for name, value in statistics.items()}  # the one place that waits for the device
            if log:
                self._log(done, read, journal)
            self._refuse_divergence(done, read)
        if picture:
            self._sample(done)
        if save:
            self._checkpoint(done)
        for watcher in self.watchers:
            watcher.on_step(done)

    def _due(self, done: int, every: int) -> bool:
        """Whether something is due after step `done` that comes every so many steps, or at the end of each epoch."""
        if not self.options.each_epoch:
            return done % every == 0
        return done // self._epoch > (done - 1) // self._epoch

    def _log(self, done: int, statistics: dict[str, float], journal: Journal) -> None:
        metrics = {
            "step": done,
            **statistics,
            "learning_rate": rate_at(self.options, self._rates["generator"], done - 1, self.steps),
            "images_per_second": self._clock.lap(self.assembly.feed.images),
            "seconds": round(self._clock.seconds, 3),
        }
        journal.write(metrics)
        for watcher in self.watchers:
            watcher.on_metrics(metrics)

    def _refuse_divergence(self, done: int, statistics: dict[str, float]) -> None:
        """Stop before broken weights replace the last good checkpoint."""
        for name, value in statistics.items():
            if not math.isfinite(value):
                raise RunError(
                    f"{name} is {value} at step {done}: training has diverged. What {self.run.path} holds is from before; "
                    "train again with a lower --learning-rate, or with --precision float32"
                )

    def _sample(self, done: int) -> None:
        path = self.run.path / "samples" / f"step-{done:08d}.png"
        with self._clock.paused(), writing(path):
            path.parent.mkdir(exist_ok=True)
            with guarding(self.assembly.architecture, "its generator failed", self._advice()):
                images = draw_images(self.assembly.sampler, self._grid_latents, self._grid_labels)
            if self._real is None:
                save_grid(images, path, self._columns)
            else:
                save(scatter(to_points(images), self._real), path)
        for watcher in self.watchers:
            watcher.on_sample(done, path)

    def _checkpoint(self, done: int) -> None:
        folder = self.run.path / "checkpoints"
        path = folder / f"step-{done:08d}"
        with self._clock.paused():
            state = capture(self.assembly, done, self._clock.seconds)
            write_checkpoint(path, networks(self.assembly), state)
            prune(folder, self.options.keep_checkpoints)
        self._saved = done
        for watcher in self.watchers:
            watcher.on_checkpoint(done, path)


class Clock:
    """Time spent in training, with what pictures and checkpoints take left out."""

    def __init__(self, seconds: float) -> None:
        self._before = seconds
        self.start(0)

    def start(self, count: int) -> None:
        """Begin to measure; `count` things are done already."""
        self._began = self._lap_began = time.perf_counter()
        self._count = count

    @property
    def seconds(self) -> float:
        """Seconds of training, those before a resume included."""
        return self._before + time.perf_counter() - self._began

    def lap(self, count: int) -> float:
        """Things per second since the last lap, where `count` of them are done in all."""
        now = time.perf_counter()
        speed = (count - self._count) / max(now - self._lap_began, 1e-9)
        self._lap_began, self._count = now, count
        return round(speed, 2)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block whose time does not count."""
        began = time.perf_counter()
        yield
        lost = time.perf_counter() - began
        self._began += lost
        self._lap_began += lost
