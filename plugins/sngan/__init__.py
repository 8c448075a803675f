"""SNGAN: every layer of D is divided by its spectral norm; without labels, and with them (the projection discriminator)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

import zoo

if TYPE_CHECKING:
    from torch import nn

SIZES = (32, 48, 64, 128)
"""The image sizes for which the papers, or their authors' code, give networks."""

PAPER: dict[str, Any] = dict(
    width=64, latent=128, batch_size=64, learning_rate=2e-4, beta1=0.0, beta2=0.9, discriminator_steps=5, schedule="linear",
    ema=0.0,
)  # fmt: skip
"""What the papers train their ResNets with; the falling rate is their code's."""

CIFAR10: dict[str, Any] = dict(PAPER, size=32, generator_batch_size=128, steps=50_000)

SMALL: dict[str, Any] = dict(
    width=16, latent=64, batch_size=32, learning_rate=5e-4, discriminator_learning_rate=2e-3, beta1=0.0, beta2=0.9,
    schedule="linear", schedule_hold=0.5, reuse_fakes=True, ema=0.998, steps=3000,
)  # fmt: skip
"""Two time-scales (Heusel et al. 2017, arXiv 1706.08500) in place of several updates of D: one of each costs a third as much."""


class SNGAN(zoo.Architecture):
    """Spectrally normalised GAN (Miyato et al. 2018): hinge loss, residual networks, every layer of D 1-Lipschitz."""

    name = "sngan"
    objective = "hinge"
    smallest_batch = 1  # what is normalised are planes

    class Options(zoo.Options):
        networks: Literal["resnet", "cnn"] = "resnet"
        """Which of the paper's networks: the residual ones (tables 4 to 6), or the plain convolutional ones (table 3)."""
        width: Annotated[int, Field(ge=1)] = 64
        """Channels that all others are multiples of, 64 in the papers: cnn, and resnet from 48×48 on, have so many next to the
        image; resnet at 32×32 has four times as many in all of G and twice as many in all of D."""

    presets = {
        "small": dict(SMALL),
        "cifar10": dict(CIFAR10),
        "stl10": dict(CIFAR10, size=48),
        "cnn": dict(
            networks="cnn", size=32, width=64, latent=128, batch_size=64, learning_rate=2e-4, beta1=0.5, beta2=0.999,
            ema=0.0, steps=100_000,
        ),
    }  # fmt: skip
    preset_notes = {
        "small": "A quarter of the paper's width, two learning rates and one update of D in a step, averaged weights: for two CPU "
        "cores and 32 to 64 pixels.",
        "cifar10": "Miyato et al. 2018, table 4, as published: Adam 2e-4 (0, 0.9), five updates of D, 50,000 of G by 128 images.",
        "stl10": "The same with table 5, for 48×48.",
        "cnn": "Table 3 with the paper's setting C, which is Radford's: Adam 2e-4 (0.5, 0.999), one update of D.",
    }
    default_preset = "small"

    def sizes(self, options: Options) -> Sequence[int] | None:
        return SIZES

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks == "cnn":
            from zoo_plugins.sngan import cnn

            return cnn.generator(options.latent, options.width, data.channels, data.height)
        from zoo_plugins.sngan.generator import Generator

        return Generator(options.latent, options.width, data.channels, data.height)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks == "cnn":
            from zoo_plugins.sngan import cnn

            return cnn.discriminator(options.width, data.channels, data.height)
        from zoo_plugins.sngan.discriminator import Discriminator

        return Discriminator(options.width, data.channels, data.height)


class ProjectionSNGAN(zoo.Architecture):
    """SNGAN with labels (Miyato & Koyama 2018): projection discriminator, class-conditional batch normalisation in G."""

    name = "sngan-projection"
    objective = "hinge"
    conditional = True
    smallest_batch = 1

    class Options(zoo.Options):
        width: Annotated[int, Field(ge=1)] = 64
        """Channels that all others are multiples of, 64 in the papers: next to the image there are so many, but at 32×32, where
        G has four times as many in all layers and D twice as many."""

    presets = {
        "small": dict(SMALL, samples=100),
        "cifar10": dict(CIFAR10, samples=100),
        "imagenet64": dict(PAPER, size=64, steps=250_000, schedule_hold=0.8, samples=100),
        "imagenet128": dict(PAPER, size=128, generator_batch_size=128, steps=450_000, schedule_hold=8 / 9, samples=100),
    }
    preset_notes = {
        "small": "sngan's preset of that name, conditional.",
        "cifar10": "sngan's preset of that name, conditional, as in the code published with the paper.",
        "imagenet64": "Miyato & Koyama 2018, as in the published code for 64×64: 250,000 steps, the last fifth at a falling rate.",
        "imagenet128": "The same for 128×128, as published: 450,000 steps, G's batches of 128, the last ninth at a falling rate.",
    }
    default_preset = "small"

    def sizes(self, options: Options) -> Sequence[int] | None:
        return SIZES

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.sngan.generator import Generator

        return Generator(options.latent, options.width, data.channels, data.height, data.classes)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.sngan.discriminator import Discriminator

        return Discriminator(options.width, data.channels, data.height, data.classes)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(SNGAN)
    register(ProjectionSNGAN)
