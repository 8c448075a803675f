"""The loop of the official PyTorch DCGAN example, as published, around the networks that zoo trains, as torch.nn has them.

The same layers and as many weights as zoo's default for the data; the example's latents of 100, its initial weights, its Adam at
2e-4 and its batches of 64; no averaged weights, no penalty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from peers.official import Loop
from torch import Tensor, nn

from speedrunning.contenders import Contender
from speedrunning.data import DataSet
from speedrunning.pictures import Batches, real
from speedrunning.snapshots import Draw, Snapshots

LATENT, BATCH = 100, 64


class Batch(NamedTuple):
    """What the loop draws."""

    images: Tensor
    labels: None


class Normal:
    """The example's latents."""

    def draw(self, count: int) -> Tensor:
        return torch.randn(count, LATENT)


def networks(data: DataSet, place: str) -> tuple[nn.Module, nn.Module]:
    """G and D of torch.nn alone, with zoo's layers for such data."""
    from zoo.bench.plain import plain
    from zoo.engine.build import build_networks
    from zoo.engine.plan import plan_run

    flags: dict[str, Any] = {"data": place, "latent": LATENT}
    plan = plan_run("dcgan", flags=flags)
    generator, discriminator = (
        plain(network, inplace=True) for network in build_networks(plan.architecture, plan.options, plan.spec)
    )
    planes = generator.layers[0]
    planes.__class__ = (
        nn.ConvTranspose2d
    )  # what it extends: zoo's own op is behind it, for latents without a height and a width
    generator.layers[0] = nn.Sequential(nn.Unflatten(1, (LATENT, 1, 1)), planes)
    for network in (generator, discriminator):
        network.apply(first_weights)
    return generator, discriminator


def first_weights(layer: nn.Module) -> None:
    """The example's: N(0, 0.02), of batch normalisation's scales N(1, 0.02)."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


def drawing(generator: nn.Module) -> Draw:
    """Images in evaluation mode, as such programs are used afterwards."""
    latents = torch.randn(10_000, LATENT, generator=torch.Generator().manual_seed(1))

    @torch.no_grad()
    def draw(count: int) -> Iterator[Tensor]:
        generator.eval()
        for part in torch.split(latents[:count], 250):
            yield generator(part)
        generator.train()

    return draw


def train(data: DataSet, place: str, seed: int, snapshots: Snapshots, contender: Contender) -> None:
    """Train until the last mark."""
    torch.manual_seed(seed)
    generator, discriminator = networks(data, place)
    batches = Batches(real(data, place), BATCH, seed)
    loop = Loop(generator, discriminator, lambda: Batch(batches(), None), Normal(), 0, lean=False)  # type: ignore[arg-type]
    step = 0
    while not snapshots.over:
        loop.step()
        step += 1
        if snapshots.due:
            snapshots.keep(step, snapshots.stopwatch.seconds, drawing(generator))
