"""Whole training steps, and the assembling of their batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from zoo import ops
from zoo.bench.measure import Effort, Times, interleaved, median, ratio
from zoo.bench.plain import CrossEntropy, plain
from zoo.data.gather import gather
from zoo.data.gather import reference as gather_reference
from zoo.engine.build import TrainingState, build, prepare_data
from zoo.engine.optim.build import build_optimizer
from zoo.engine.optim.schedule import base_rates
from zoo.engine.plan import plan_run
from zoo.engine.step import Step
from zoo.ops import references
from zoo.system import compiling

Call = Callable[[], object]


@dataclass(frozen=True)
class StepRow:
    """A training step. Contenders: ours, reference (the same modules on the reference ops), eager (torch.nn), compile.

    `what` are the options that differ from the default preset's. `rounds` are seconds per step, `seconds` and `ratios` as
    in `zoo.bench.sidebyside.Row`.
    """

    name: str
    what: str
    batch_size: int
    device: str
    served_by: str
    rounds: Times
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        return {name: median(times) for name, times in self.rounds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        return {name: ratio(self.rounds, name) for name in self.rounds if name != "ours"}


@dataclass(frozen=True)
class BatchRow:
    """Rows of the prepared store becoming a float batch: `ours` is what the loader uses, `reference` is NumPy.

    `share`: of the training step measured beside it, None where none was.
    """

    shape: tuple[int, ...]
    layout: str
    served_by: str
    rounds: Times
    share: float | None = None

    @property
    def seconds(self) -> dict[str, float]:
        return {name: median(times) for name, times in self.rounds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        return {name: ratio(self.rounds, name) for name in self.rounds if name != "ours"}


def training_step(
    device: torch.device, effort: Effort, compile_: bool = True, name: str = "dcgan", **options: Any
) -> StepRow:
    """One step of an architecture, default preset, embedded digits: both updates, data included.

    Every contender starts from the same weights and draws the same batches. A round is as many steps as it takes until a
    penalty that is due at intervals (`r1_every`) has been due once. `options` are those of `zoo.train`.
    """
    ours = _state(name, device, options)
    chosen: Any = ours.options
    batches = [ours.batches]
    steps = {"ours": ours.step}
    native = "native" in {rows.get(device.type, {}).get("served_by") for rows in ops.status().values()}
    absent = {}
    if native:
        with references():  # which decides on the layout, too
            other = _state(name, device, options)
        batches.append(other.batches)
        steps["reference"] = other.step
    else:
        absent["reference"] = "ours is the reference here: no native core"
    if ours.step.objective.kind == "non_saturating":
        for contender in ("eager", "compile"):
            if contender == "compile" and (reason := _uncompilable(compile_)):
                absent[contender] = reason
                continue
            other = _state(name, device, options)
            batches.append(other.batches)
            steps[contender] = _in_plain_torch(other.step, chosen, contender == "compile")
    else:
        absent["eager"] = absent["compile"] = (
            f"{name} is trained with {ours.step.objective.kind}, which is not written out here"
        )
    cycle = chosen.r1_every if chosen.penalties else 1
    calls = {contender: _counted(step, cycle, contender == "reference") for contender, step in steps.items()}
    try:
        if "compile" in calls:
            try:
                calls["compile"]()
            except Exception as error:  # whatever the compiler's trouble is, the others can be measured
                absent["compile"] = compiling.reason(error)
                del calls["compile"]
        few = replace(effort, rounds=min(effort.rounds, 21), warm_up=0.0)
        cycles = interleaved(calls, few, device)
    finally:
        for each in batches:
            each.close()
    times = {contender: [seconds / cycle for seconds in rounds] for contender, rounds in cycles.items()}
    what = ", ".join(f"{option}={value}" for option, value in options.items())
    return StepRow(name, what, chosen.batch_size, str(device), "native" if native else "reference", times, absent)


def batch_assembly(
    effort: Effort, batch: int, height: int, channels: int, step: float | None = None, count: int = 5000
) -> Iterator[BatchRow]:
    """A batch of `count` random images, in both layouts; `step` is the time of a step that it feeds, in seconds."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, height, height, channels), np.uint8)
    indices = random.permutation(count)[:batch].astype(np.int64)
    flips = random.integers(0, 2, batch).astype(np.bool_)
    for layout in ("contiguous", "channels_last"):
        form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        out = torch.empty((batch, channels, height, height), memory_format=form).numpy()

        def call(function: Any, out: Any = out) -> Call:
            return lambda: function(images, indices, flips, -1.0, 1.0, out)

        times = interleaved({"ours": call(gather), "reference": call(gather_reference)}, effort, torch.device("cpu"))
        served = "reference" if gather is gather_reference else "native"
        share = None if step is None else median(times["ours"]) / step
        yield BatchRow(out.shape, layout, served, times, share)


def _state(name: str, device: torch.device, options: dict[str, Any]) -> TrainingState:
    plan = plan_run(name, flags={**options, "device": str(device)})
    return build(plan, prepare_data(plan))


def _in_plain_torch(step: Step, options: Any, compile_: bool) -> Step:
    # Out of place where it is compiled; contenders.py says why.
    generator, discriminator = plain(step.generator, not compile_), plain(step.discriminator, not compile_)
    networks = {"generator": generator, "discriminator": discriminator}
    rates = base_rates(options)
    optimizers = {role: build_optimizer(networks[role].parameters(), options, rates[role]) for role in networks}
    if compile_:
        torch.compiler.reset()
        for network in networks.values():
            network.compile(dynamic=False)
    objective: Any = CrossEntropy()
    return replace(
        step,
        generator=generator,
        discriminator=discriminator,
        optimizers=optimizers,
        objective=objective,
        joint_pass=False,  # torch's batch normalisation takes a batch for one
    )


def _uncompilable(compile_: bool) -> str | None:
    return compiling.obstacle() if compile_ else "torch.compile was not asked for"


def _counted(step: Step, cycle: int, reference: bool) -> Call:
    def call() -> None:
        with references() if reference else nullcontext():
            for number in range(cycle):
                step.run(number)

    return call
