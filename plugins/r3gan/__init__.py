"""R3GAN: a modern baseline. Residual networks without normalisation, paired by a relativistic objective with both penalties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

import zoo

if TYPE_CHECKING:
    from torch import nn
    from zoo_plugins.r3gan.networks import Shape

SIZES = tuple(2**power for power in range(3, 9))
"""Each side of an image is one of them."""

BURN_IN = 20_000
"""Thousands of images, for all data sets but ImageNet, in which ten times as many pass."""


def published(
    size: int,
    width: int,
    multipliers: tuple[int, ...],
    batch_size: int,
    penalty: float,
    ema_kimg: float,
    *,
    group_width: int = 16,
    burn_in: float = BURN_IN,
) -> dict[str, Any]:
    """A configuration of the authors' program, train.py of https://github.com/brownvc/R3GAN, as a preset.

    Args:
        size: pixels a side.
        width: channels next to the image.
        multipliers: as of the option.
        batch_size: images, over all of their GPUs.
        penalty: weight of R1 and R2 at first, their gamma; a tenth of it at last.
        ema_kimg: half-life of the average at last.
        group_width: inner channels in a group.
        burn_in: thousands of images until the last values are reached. Their program goes on until it is stopped.
    """
    last = penalty / 10
    return dict(
        size=size, width=width, multipliers=multipliers, blocks=2, expansion=2, group_width=group_width, latent=64,
        batch_size=batch_size, beta1=0.0, beta2=0.9, learning_rate=2e-4, r1=penalty, r2=penalty, r1_every=1, burn_in=burn_in,
        final_learning_rate=5e-5, final_beta2=0.99, final_r1=last, final_r2=last, ema_kimg=ema_kimg,
        ema_rampup=ema_kimg / burn_in, flip=True, kimg=burn_in,
    )  # fmt: skip


class ResidualOptions(zoo.Options):
    """The options of R3GAN's networks."""

    width: Annotated[int, Field(ge=1)] = 16
    """Channels of the layers next to the image."""
    multipliers: tuple[int, ...] = (1, 2, 4, 8)
    """Channels at each size from the image's own down, as multiples of `width`; the last one holds for all smaller sizes too."""
    blocks: Annotated[int, Field(ge=1)] = 1
    """Residual blocks at each size."""
    expansion: Annotated[int, Field(ge=1)] = 2
    """The inner layers of a block have so many times as many channels as go through it."""
    group_width: Annotated[int, Field(ge=1)] = 16
    """Channels in each group of a block's 3×3 convolution, whose cost they are; one group where there are no more channels."""

    @model_validator(mode="after")
    def _divides(self) -> ResidualOptions:
        if not self.multipliers or min(self.multipliers) < 1:
            raise ValueError("multipliers are one or more whole numbers of 1 or more; give --multipliers 1 2 4")
        for multiplier in self.multipliers:
            inner = self.width * multiplier * self.expansion
            if inner > self.group_width and inner % self.group_width:
                raise ValueError(
                    f"group-width {self.group_width} does not divide the {inner} inner channels of a block (width {self.width} × "
                    f"multiplier {multiplier} × expansion {self.expansion}); give another --group-width or --width"
                )
        return self


class R3GAN(zoo.Architecture):
    """R3GAN (Huang et al. 2024): residual networks without normalisation, a relativistic objective, both gradient penalties."""

    name = "r3gan"
    objective = "relativistic"
    rectangles = True
    smallest_batch = 1

    Options = ResidualOptions

    presets = {
        "small": dict(
            width=16, multipliers=(1, 2, 4, 8), blocks=1, latent=64, batch_size=32, learning_rate=1e-3, beta1=0.0, beta2=0.99,
            r1=1.0, r2=1.0, r1_every=8, reuse_fakes=True, ema_kimg=5.0, ema_rampup=0.1, flip=True, steps=4000,
        ),
        "cifar10": published(32, 768, (1,), 512, 0.05, 5000),
        "ffhq64": published(64, 384, (1, 2), 256, 2.0, 500),
        "ffhq256": published(256, 96, (1, 2, 4, 8), 256, 150.0, 500),
    }  # fmt: skip
    preset_notes = {
        "small": "The paper's networks at a fraction of their width, for pictures of 32 to 64 pixels and two CPU cores.",
        "cifar10": "Huang et al. 2024, CIFAR-10 at 32×32: G 20.73 and D 20.68 million parameters. To the end of the burn-in.",
        "ffhq64": "Huang et al. 2024, FFHQ at 64×64: G 22.43 and D 22.38 million parameters. To the end of the burn-in.",
        "ffhq256": "Huang et al. 2024, FFHQ at 256×256: G 23.06 and D 23.01 million parameters. To the end of the burn-in.",
    }
    default_preset = "small"

    def sizes(self, options: ResidualOptions) -> Sequence[int]:
        return SIZES

    def generator(self, options: ResidualOptions, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.r3gan.networks import Generator

        return Generator(options.latent, self._shape(options, data))

    def discriminator(self, options: ResidualOptions, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.r3gan.networks import Discriminator

        return Discriminator(self._shape(options, data))

    def _shape(self, options: ResidualOptions, data: zoo.DataSpec) -> Shape:
        """What both networks agree on, for such images."""
        from zoo_plugins.r3gan.networks import Shape, halvings

        sides = (data.height, data.width)
        last = len(options.multipliers) - 1
        widths = tuple(options.width * options.multipliers[min(at, last)] for at in range(halvings(sides) + 1))
        classes = data.classes if self.conditional else 0
        return Shape(data.channels, sides, widths, options.blocks, options.expansion, options.group_width, classes)


class ConditionalR3GAN(R3GAN):
    """R3GAN (Huang et al. 2024), conditional: both networks also see the label."""

    name = "cr3gan"
    conditional = True

    presets = {
        "small": dict(R3GAN.presets["small"], samples=100),
        "cifar10": R3GAN.presets["cifar10"],
        "imagenet32": published(32, 1536, (1,), 4096, 0.5, 50_000, group_width=32, burn_in=10 * BURN_IN),
        "imagenet64": published(64, 1536, (1,), 4096, 1.0, 50_000, group_width=32, burn_in=10 * BURN_IN),
    }
    preset_notes = {
        "small": "r3gan's preset of that name, with labels.",
        "cifar10": "Huang et al. 2024, CIFAR-10 at 32×32: G 20.78 and D 21.28 million parameters. To the end of the burn-in.",
        "imagenet32": "Huang et al. 2024, ImageNet at 32×32: G 82.91 and D 86.55 million parameters. To the end of the burn-in.",
        "imagenet64": "Huang et al. 2024, ImageNet at 64×64: G 103.57 and D 107.21 million parameters. To the end of the burn-in.",
    }


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    """Without labels, and with them."""
    register(R3GAN)
    register(ConditionalR3GAN)
