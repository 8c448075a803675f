"""What is told before anyone waits: what is about to be trained, and how long it will take, from its first steps."""

from __future__ import annotations

import math
from collections.abc import Callable

from zoo.data.spec import DataSpec
from zoo.engine.build import TrainingState
from zoo.engine.choice import DEVICES
from zoo.engine.geometry import is_large
from zoo.engine.graphs.capture import WARM_UP
from zoo.engine.plan import RunPlan
from zoo.engine.runtime.clock import Clock
from zoo.engine.runtime.device import synchronize
from zoo.options.length import unit

ENOUGH = 2.0
"""Seconds of steps that are measured, at least."""

LONG = 8.0
"""Seconds after which a person is told whatever there is: of slow steps, and of those that differ over long cycles."""

WORTH = 60.0
"""Seconds: a shorter training is over before it matters."""

ADVICE = 300.0
"""Seconds: of a longer training it is told how to shorten it."""


def describe_plan(plan: RunPlan, *, by_hand: bool) -> str:
    """A line on what is about to be trained: ``preset photos, for 64×64 colour on the CPU: 5,000 steps (…)``.

    `by_hand`: the preset was, so that nobody need be told that another could be.
    """
    architecture, options, spec = plan.architecture, plan.options, plan.spec
    what = f"{_appearance(spec)} on {DEVICES.get(plan.device.type, plan.device)}"
    lengths = {
        "steps": f"{options.steps:,} step{'s' * (options.steps > 1)}",
        "epochs": f"{options.epochs or 0:g} epochs",
        "kimg": f"{options.kimg or 0:g} thousand images",
    }
    length = lengths[unit(options)]
    advice = [] if by_hand or len(architecture.presets) < 2 else ["--preset chooses another"]
    sizes = architecture.sizes(options)
    if options.size is None and is_large(plan.source) and (sizes is None or 2 * spec.height in sizes):
        advice.append(f"--size {2 * spec.height} gives larger pictures")
    line = f"{f'preset {plan.preset}, for ' if plan.preset else ''}{what}: {length}"
    return f"{line} ({', '.join(advice)})" if advice else line


def _appearance(spec: DataSpec) -> str:
    """What images look like: ``64×64 colour``; or "points in the plane"."""
    return spec.kind if spec.points else f"{spec.width}×{spec.height} {spec.colours}"


class StepTime:
    """Seconds of a step, known once after the first steps. Those that warm up do not count, unless they alone take long."""

    def __init__(
        self, start: int, *, seconds: Callable[[], float], wait: Callable[[], object], cycle: int = 1, warm_up: int = 2
    ) -> None:
        """`seconds` is the time spent in steps, `wait` waits for the device, and in `cycle` steps everything comes once."""
        self._from = start, seconds()
        self._warm = start + warm_up
        self._cycle, self._seconds, self._wait = cycle, seconds, wait
        self._known = False

    def after(self, done: int) -> float | None:
        """The seconds of a step, in the first call after a step in which they are known; else None."""
        if self._known:
            return None
        first, began = self._from
        spent = self._seconds() - began
        whole = done > self._warm and (done - first) % self._cycle == 0
        if spent >= LONG or (whole and spent >= ENOUGH):
            self._known = True
            self._wait()
            return (self._seconds() - began) / (done - first)
        if done == self._warm:
            self._wait()
            self._from = done, self._seconds()
        return None


class Forecast:
    """What a person is told of the time that a training from step `start` on will take, once that is known."""

    def __init__(self, state: TrainingState, start: int, clock: Clock) -> None:
        device = state.step.latents.device
        self._state, self._start, self._clock = state, start, clock
        self._step_time = StepTime(
            start,
            seconds=lambda: clock.seconds,
            wait=lambda: synchronize(device),
            cycle=_cycle(state),
            warm_up=2 + (WARM_UP if state.captured else 0),
        )

    def after(self, done: int) -> str | None:
        """The line, after the step in which the time is known; None after every other, and for a training that is soon over."""
        step = self._step_time.after(done)
        if step is None:
            return None
        count = self._state.steps - self._start
        seconds = self._seconds(count, step)
        if seconds < WORTH:
            return None
        first = self._state.first_shapes
        shapes = None if first is None or self._start or first >= count else self._seconds(first, step)
        return forecast(seconds, count, step, self._advice(seconds), shapes)

    def _seconds(self, count: int, step: float) -> float:
        """What so many steps take from the beginning, with what is drawn and written between them."""
        return count * step + self._pauses(count) * self._clock.pause

    def _pauses(self, count: int) -> float:
        """How many pictures are drawn, checkpoints written and evaluations made in so many steps."""
        options = self._state.options
        if options.each_epoch:
            return float(2 * (self._state.epochs_after(self._state.steps) - self._state.epochs_after(self._start)))
        evaluations = count / options.evaluate_every if options.evaluate_every else 0.0
        return count / options.sample_every + count / options.checkpoint_every + evaluations

    def _advice(self, seconds: float) -> list[str]:
        """How it could take less, where that is not too late."""
        if self._start or seconds < ADVICE:
            return []
        options, architecture = self._state.options, self._state.architecture
        spec: DataSpec = self._state.batches.loader.store.spec
        advice = [f"--{unit(options)} N shortens it"]
        half, sizes = spec.height // 2, architecture.sizes(options)
        if not spec.points and spec.width == spec.height and half >= 32 and (sizes is None or half in sizes):
            advice.append(f"--size {half} is faster")
        return advice


def _cycle(state: TrainingState) -> int:
    """The steps in which each phase, and the gradient penalty, comes as often as in any other so many."""
    options = state.options
    return math.lcm(*(phase.every for phase in state.step.phases), options.r1_every if options.penalties else 1)


def forecast(seconds: float, count: int, step: float, advice: list[str], shapes: float | None = None) -> str:
    """In words: ``about 12 min for 3,000 steps (0.24 s a step; --steps N shortens it)``; `shapes`: seconds until first ones."""
    first = "" if shapes is None else f", first shapes after about {duration(max(shapes, 10))}"
    return f"about {duration(seconds)} for {count:,} steps{first} ({'; '.join([f'{_short(step)} a step', *advice])})"


def duration(seconds: float) -> str:
    """A time as people say it: 90 s, 12 min, 1 h 40 min, 6 h, 3 days."""
    if seconds < 95:
        return f"{10 * round(seconds / 10)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    tens = round(seconds / 600)
    if tens < 30:
        hours, rest = divmod(tens, 6)
        return f"{hours} h {10 * rest} min" if rest else f"{hours} h"
    hours = round(seconds / 3600)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"


def _short(seconds: float) -> str:
    if seconds < 0.0995:
        return f"{1000 * seconds:.2g} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
