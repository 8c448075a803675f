"""The contenders that run on PyTorch: zoo's own step, and the official example's loop in several forms, from the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from peers.official import Loop
from peers.workloads import Workload
from zoo import ops
from zoo.bench.plain import plain
from zoo.data.registry import open_source
from zoo.data.store import prepare
from zoo.engine.assemble import Assembly, assemble
from zoo.engine.geometry import settle
from zoo.engine.seeds import stream_seed
from zoo.generate.latents import Latents
from zoo.registry import registry
from zoo.resolve import resolve

Losses = tuple[Tensor, Tensor]
Step = Callable[[], Losses]

CONTENDERS = ("zoo", "zoo, references", "official", "official, lean", "official, compiled", "official, lean, compiled")
"""`lean`: channels last, without the gradients that nobody uses. `compiled`: both networks under torch.compile."""


class Bench:
    """Makes the contenders of a workload; each has the same weights, batches and latents, drawn by itself."""

    def __init__(self, workload: Workload, device: torch.device) -> None:
        self.workload, self.device = workload, device
        self._feeds: list[Assembly] = []

    def assembly(self) -> Assembly:
        """Everything of a run of zoo but the loop around the steps."""
        architecture = registry().architecture(self.workload.architecture)
        options, _ = resolve(architecture, preset=self.workload.preset, flags=self.workload.flags)
        source = open_source(options.data)
        spec = settle(architecture, options, source)
        made = assemble(architecture, options, spec, prepare(source, spec, fit=options.fit), self.device)
        self._feeds.append(made)
        return made

    @property
    def classes(self) -> int:
        """How many classes the networks are told apart by; 0 for none."""
        return self.assembly().step.classes

    def make(self, contender: str) -> Step:
        """A contender's step, which returns D's loss and G's as 0-d tensors."""
        made = self.assembly()
        if contender.startswith("zoo"):
            return _zoo(made, references=contender.endswith("references"))
        lean, compiled = "lean" in contender, "compiled" in contender
        layout = torch.channels_last if lean else torch.contiguous_format
        networks = [
            plain(network, inplace=not compiled).to(memory_format=layout)  # type: ignore[call-overload]
            for network in (made.step.generator, made.step.discriminator)
        ]
        if compiled:
            networks = [_compiled(network) for network in networks]
        options = made.step.options
        latents = Latents(
            stream_seed(options.seed, "latents"), options.latent, options.latent_distribution, self.device
        )
        made.feed.loader.channels_last = lean
        return Loop(networks[0], networks[1], made.feed, latents, made.step.classes, lean).step

    def close(self) -> None:
        """End the threads that prepare batches."""
        for made in self._feeds:
            made.feed.close()


def _zoo(made: Assembly, references: bool) -> Step:
    numbers = iter(range(10**9))

    def step() -> Losses:
        with ops.references() if references else nullcontext():
            statistics = made.step.run(next(numbers))
        return statistics["d_loss"], statistics["g_loss"]

    return step


def _compiled(network: nn.Module) -> nn.Module:
    network = copy.deepcopy(network)
    network.compile(dynamic=False)
    return network
