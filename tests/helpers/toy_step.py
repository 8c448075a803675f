"""A GAN of two dense layers on numbers that are made up, for tests that look inside a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import zoo
from zoo.architecture import Phase
from zoo.data.loader import Batch
from zoo.engine.optim.build import build_optimizer
from zoo.engine.runtime.precision import Precision
from zoo.engine.step import Step
from zoo.generate.latent.latents import Latents

LATENT, SHAPE = 4, (1, 2, 3)
CPU = torch.device("cpu")


class Feed:
    """Batches of made-up images, the same ones every time; `count` tells how many were drawn."""

    def __init__(self, batch_size: int, classes: int = 0) -> None:
        random = torch.Generator().manual_seed(5)
        self.images = torch.rand(64, *SHAPE, generator=random) * 2 - 1
        self.labels = torch.randint(max(classes, 1), (64,), generator=random) if classes else None
        self.size = batch_size
        self.count = 0

    def __call__(self) -> Batch:
        rows = (torch.arange(self.size) + self.count * self.size) % 64
        self.count += 1
        return Batch(self.images[rows], None if self.labels is None else self.labels[rows])


def generator() -> nn.Module:
    return nn.Sequential(nn.Linear(LATENT, 6), nn.Tanh(), nn.Unflatten(1, SHAPE))


def discriminator() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.LeakyReLU(0.2), nn.Linear(5, 1))


def build(
    phases: Sequence[Phase] | None = None,
    *,
    networks: tuple[nn.Module, nn.Module] | None = None,
    objective: str | zoo.Objective = "non_saturating",
    **options: Any,
) -> Step:
    """A step of the toy networks, whose weights are the same every time."""
    torch.manual_seed(0)
    g, d = networks or (generator(), discriminator())
    chosen = zoo.Options(**{"latent": LATENT, "batch_size": 8, "learning_rate": 0.1, "optimizer": "sgd", **options})
    rates = {"generator": chosen.learning_rate, "discriminator": chosen.learning_rate}
    both = {"generator": g, "discriminator": d}
    return Step(
        generator=g,
        discriminator=d,
        optimizers={role: build_optimizer(both[role].parameters(), chosen, rates[role]) for role in both},
        phases=list(phases or [*[Phase("discriminator")] * chosen.discriminator_steps, Phase("generator")]),
        objective=zoo.Objective(objective) if isinstance(objective, str) else objective,
        options=chosen,
        latents=Latents(7, LATENT, chosen.latent_distribution),
        draw=Feed(chosen.batch_size),
        precision=Precision(chosen.precision, CPU),
    )


def weights(network: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def same(before: list[Tensor], network: nn.Module) -> bool:
    """Whether every parameter is bit for bit what it was."""
    return all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
