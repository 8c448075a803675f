"""The contenders that run on PyTorch: zoo's own step, and the official example's loop in several forms, from the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from peers.official import Loop
from peers.workloads import Workload
from zoo import compiling, ops
from zoo.bench.plain import plain
from zoo.data.loader import Batch
from zoo.data.registry import open_source
from zoo.data.store import prepare
from zoo.engine.assemble import Assembly, assemble
from zoo.engine.geometry import settle
from zoo.engine.optim import build_optimizer
from zoo.engine.seeds import stream_seed
from zoo.engine.step import Step as Engine
from zoo.generate.latents import Latents
from zoo.options import Options
from zoo.registry import registry
from zoo.resolve import resolve

Losses = tuple[Tensor, Tensor]
Step = Callable[[], Losses]

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
)
"""`unused left out`: G's update computes no gradients of D's weights. `lean`: channels last, and unused left out. `compiled`:
both networks under torch.compile. `simultaneous`: both losses from one pass of D over the fakes; all others alternate."""


def obstacle(contender: str) -> str | None:
    """Why a contender is not to be had here; None where it can be tried."""
    if "simultaneous" in contender and "simultaneous" not in Options.model_fields:
        return "this zoo has no option --simultaneous"
    return compiling.obstacle() if "compiled" in contender else None


class Bench:
    """Makes the contenders of a workload; each has the same weights, batches and latents, drawn by itself."""

    def __init__(self, workload: Workload, device: torch.device) -> None:
        self.workload, self.device = workload, device
        self._feeds: list[Assembly] = []

    def assembly(self, **options: Any) -> Assembly:
        """Everything of a run of zoo but the loop around the steps."""
        architecture = registry().architecture(self.workload.architecture)
        resolved, _ = resolve(architecture, preset=self.workload.preset, flags=self.workload.flags | options)
        source = open_source(resolved.data)
        spec = settle(architecture, resolved, source)
        made = assemble(architecture, resolved, spec, prepare(source, spec, fit=resolved.fit), self.device)
        self._feeds.append(made)
        return made

    @property
    def classes(self) -> int:
        """How many classes the networks are told apart by; 0 for none."""
        return self.assembly().step.classes

    def make(self, contender: str, dtype: torch.dtype = torch.float32) -> Step:
        """A contender's step, which returns D's loss and G's as 0-d tensors."""
        made = self.assembly(**({"simultaneous": True} if "simultaneous" in contender else {}))
        step = made.step if dtype == torch.float32 else _cast(made, dtype)
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
            networks = [_compiled(network) for network in networks]
        made.feed.loader.channels_last = last
        return Loop(*networks, step.draw, step.latents, step.classes, lean or "unused left out" in contender).step

    def close(self) -> None:
        """End the threads that prepare batches."""
        for made in self._feeds:
            made.feed.close()


def _zoo(step: Engine, references: bool) -> Step:
    numbers = iter(range(10**9))

    def once() -> Losses:
        with ops.references() if references else nullcontext():
            statistics = step.run(next(numbers))
        return statistics["d_loss"], statistics["g_loss"]

    return once


def _cast(made: Assembly, dtype: torch.dtype) -> Engine:
    """The step in another precision, from the same weights, batches and latents as they are in float32."""
    step, options = made.step, made.step.options
    networks = {"generator": step.generator.to(dtype), "discriminator": step.discriminator.to(dtype)}
    rates = {"generator": options.learning_rate, "discriminator": options.discriminator_learning_rate}
    optimizers = {role: build_optimizer(networks[role].parameters(), options, rates[role]) for role in networks}

    class Cast(Latents):
        def draw(self, count: int) -> Tensor:
            return super().draw(count).to(dtype)

    def draw() -> Batch:
        images, labels = made.feed()
        return Batch(images.to(dtype), labels)

    seed = stream_seed(options.seed, "latents")
    latents = Cast(seed, options.latent, options.latent_distribution, made.device)
    return replace(step, optimizers=optimizers, latents=latents, draw=draw)


def _compiled(network: nn.Module) -> nn.Module:
    network = copy.deepcopy(network)
    network.compile(dynamic=False)
    return network
