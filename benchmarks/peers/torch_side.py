"""The contenders that run on PyTorch: zoo's own step, and the official example's loop in several forms, from the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from peers.official import Loop
from peers.workloads import Workload
from zoo import ops
from zoo.bench.plain import plain
from zoo.data.loader import Batch
from zoo.engine.build import TrainingState, build, prepare_data
from zoo.engine.graphs.capture import WARM_UP
from zoo.engine.optim.build import build_optimizer
from zoo.engine.plan import plan_run
from zoo.engine.step import Step as Engine
from zoo.generate.latent.latents import Latents
from zoo.options import Options
from zoo.system import compiling
from zoo.system.streams import stream_seed

MODES = ("max-autotune", "max-autotune-no-cudagraphs")
"""torch.compile's, beside its default."""
Losses = tuple[Tensor, Tensor]
Step = Callable[[], Losses]

PRODUCTS = "official, lean, products in bfloat16"
ON_GPU = (
    "zoo, captured",
    "zoo, captured, bfloat16",
    "official, lean, compiled, max-autotune-no-cudagraphs",
    "official, lean, compiled, max-autotune-no-cudagraphs, bfloat16",
    "official, lean, compiled, max-autotune",
    "official, lean, compiled, max-autotune, bfloat16",
)
"""Contenders on a GPU alone. `captured`: zoo --capture. `max-autotune`: torch.compile's mode of that name, CUDA graphs included."""
ON_CPU = (PRODUCTS,)
"""On a CPU alone: in float32, but for the operands of what oneDNN multiplies (torch.backends.mkldnn's fp32_precision)."""
CONTENDERS = (
    "zoo",
    "zoo, references",
    "zoo, simultaneous",
    "official",
    "official, lean",
    "official, compiled",
    "official, channels last, compiled",
    "official, unused left out, compiled",
    "official, lean, compiled",
    "zoo, bfloat16",
    "official, lean, bfloat16",
    "official, lean, compiled, bfloat16",
    *ON_CPU,
    *ON_GPU,
)
"""`unused left out`: G's update computes no gradients of D's weights. `lean`: channels last, and unused left out. `compiled`:
both networks under torch.compile. `bfloat16`: autocast of both networks' passes; weights, optimisers and losses stay float32.
`simultaneous`: both losses from one pass of D over the fakes; all others alternate."""


def obstacle(contender: str) -> str | None:
    """Why a contender is not to be had here; None where it can be tried."""
    if "simultaneous" in contender and "simultaneous" not in Options.model_fields:
        return "this zoo has no option --simultaneous"
    return compiling.obstacle() if "compiled" in contender else None


class Bench:
    """Makes the contenders of a workload; each has the same weights, batches and latents, drawn by itself."""

    def __init__(self, workload: Workload, device: torch.device) -> None:
        self.workload, self.device = workload, device
        self._states: list[TrainingState] = []

    def state(self, **options: Any) -> TrainingState:
        """Everything of a run of zoo but the loop around the steps."""
        flags = {**self.workload.flags, **options, "device": str(self.device)}
        plan = plan_run(self.workload.architecture, preset=self.workload.preset, flags=flags)
        made = build(plan, prepare_data(plan))
        self._states.append(made)
        return made

    @property
    def classes(self) -> int:
        """How many classes the networks are told apart by; 0 for none."""
        return self.state().step.classes

    def make(self, contender: str, dtype: torch.dtype = torch.float32) -> Step:
        """A contender's step, which returns D's loss and G's as 0-d tensors."""
        half = "bfloat16" in contender and contender != PRODUCTS
        asked = {"simultaneous": "simultaneous" in contender, "capture": "captured" in contender}
        options: dict[str, Any] = {name: True for name, wanted in asked.items() if wanted}
        with ops.references() if "references" in contender else nullcontext():  # which decides on the layout, too
            made = self.state(**options, **({"precision": "bfloat16"} if half else {}))
        step = made.step if dtype == torch.float32 else _cast(made, dtype)
        if made.captured:
            return _captured(_zoo(made, references=False))
        if contender.startswith("zoo"):
            return _zoo(step, references="references" in contender)
        compiled, lean = "compiled" in contender, "lean" in contender
        last = lean or "channels last" in contender
        layout = torch.channels_last if last else torch.contiguous_format
        networks = [
            plain(network, inplace=not compiled).to(dtype=dtype, memory_format=layout)  # type: ignore[call-overload]
            for network in (step.generator, step.discriminator)
        ]
        if compiled:
            mode = next((mode for mode in MODES if mode in contender.split(", ")), None)
            networks = [_compiled(network, mode) for network in networks]
        made.batches.loader.channels_last = last
        autocast = partial(torch.autocast, self.device.type, torch.bfloat16) if half else nullcontext
        unused = lean or "unused left out" in contender
        loop = Loop(*networks, step.draw, step.latents, step.classes, unused, autocast).step
        if contender == PRODUCTS:
            return _products_in_bfloat16(loop)
        return _marked(loop) if "max-autotune" in contender.split(", ") else loop

    def close(self) -> None:
        """End the threads that prepare batches."""
        for made in self._states:
            made.batches.close()


def _zoo(step: Engine | TrainingState, references: bool) -> Step:
    numbers = iter(range(10**9))

    def once() -> Losses:
        with ops.references() if references else nullcontext():
            statistics = step.run(next(numbers))
        return statistics["d_loss"], statistics["g_loss"]

    return once


def _captured(step: Step) -> Step:
    """The step once it is a graph, which is when it has been played often enough."""
    for _ in range(WARM_UP + 1):
        step()
    return step


def _products_in_bfloat16(step: Step) -> Step:
    """The step while oneDNN may round what it multiplies to bfloat16: for this one alone, the others share the process."""
    backends = (torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv)  # type: ignore[attr-defined]

    def once() -> Losses:
        before = [each.fp32_precision for each in backends]
        for each in backends:
            each.fp32_precision = "bf16"
        try:
            return step()
        finally:
            for each, precision in zip(backends, before, strict=True):
                each.fp32_precision = precision

    return once


def _marked(step: Step) -> Step:
    """Tells torch.compile's own graphs that what they gave in the step before is done with."""

    def once() -> Losses:
        torch.compiler.cudagraph_mark_step_begin()
        return step()

    return once


def _cast(made: TrainingState, dtype: torch.dtype) -> Engine:
    """The step in another precision, from the same weights, batches and latents as they are in float32."""
    step, options = made.step, made.step.options
    networks = {"generator": step.generator.to(dtype), "discriminator": step.discriminator.to(dtype)}
    rates = {"generator": options.learning_rate, "discriminator": options.discriminator_learning_rate}
    optimizers = {role: build_optimizer(networks[role].parameters(), options, rates[role]) for role in networks}

    class Cast(Latents):
        def draw(self, count: int) -> Tensor:
            return super().draw(count).to(dtype)

    def draw() -> Batch:
        images, labels = made.batches()
        return Batch(images.to(dtype), labels)

    seed = stream_seed(options.seed, "latents")
    latents = Cast(seed, options.latent, options.latent_distribution, made.batches.device)
    return replace(step, optimizers=optimizers, latents=latents, draw=draw)


def _compiled(network: nn.Module, mode: str | None) -> nn.Module:
    network = copy.deepcopy(network)
    network.compile(dynamic=False, mode=mode)
    return network
