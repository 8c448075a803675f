"""The first GAN: two dense networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import zoo

if TYPE_CHECKING:
    from torch import nn


class Vanilla(zoo.Architecture):
    """GAN of dense networks (Goodfellow et al. 2014)."""

    name = "vanilla"

    class Options(zoo.Options):
        pass

    presets = {
        "dense": dict(
            batch_size=16, generator_batch_size=32, joined=True, order="slice",
            schedule="inverse_time", schedule_decay=8e-8, sample_every=100, samples=16, steps=30000,
        ),
    }  # fmt: skip
    default_preset = "dense"

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.vanilla.networks import generator

        return generator(options.latent, data)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.vanilla.networks import discriminator

        return discriminator(data)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(Vanilla)
