"""DCGAN: convolutional networks that learn to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

import zoo

if TYPE_CHECKING:
    from torch import nn


class DCGAN(zoo.Architecture):
    """Deep convolutional GAN (Radford et al. 2015).

    Strided convolutions in D, transposed ones in G, batch normalisation in both.
    """

    name = "dcgan"

    class Options(zoo.Options):
        width: Annotated[int, Field(ge=1)] = 64
        """Channels of the layer next to the image; they double with every halving of its size, up to eight times as many."""

    presets = {
        "mnist": dict(
            width=32,
            latent=16,
            learning_rate=2e-3,
            discriminator_learning_rate=1e-3,
            schedule="linear",
            schedule_hold=0.5,
            r1=0.2,
            r1_every=8,
            reuse_fakes=True,
            ema=0.998,
            steps=12000,
        ),
        "radford64": dict(size=64, batch_size=128, steps=25000),
    }
    default_preset = "mnist"
    large_preset = "radford64"

    def sizes(self, options: Options) -> range:
        return range(8, 257)

    def preset_for(self, data: zoo.DataSpec) -> str:
        return self.large_preset if data.height == 64 else self.default_preset

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.dcgan.networks import Generator

        classes = data.classes if self.conditional else 0
        return Generator(options.latent, options.width, data.channels, data.height, classes)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.dcgan.networks import Discriminator

        classes = data.classes if self.conditional else 0
        return Discriminator(options.width, data.channels, data.height, classes)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(DCGAN)
