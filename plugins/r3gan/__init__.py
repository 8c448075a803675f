"""R3GAN: a modern baseline. Residual networks without normalisation, paired by a relativistic objective with both penalties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from zoo_plugins.r3gan.pairing import Relativistic

import zoo

if TYPE_CHECKING:
    from torch import nn
    from zoo_plugins.r3gan.networks import Shape

SIZES = tuple(2**power for power in range(3, 9))
"""Each side of an image is one of them."""

PUBLISHED: dict[str, Any] = dict(
    latent=64, blocks=2, expansion=2, group_width=16, learning_rate=2e-4, beta1=0.0, beta2=0.9, r1_every=1, flip=True,
)  # fmt: skip
"""What all published configurations share."""


class ResidualOptions(zoo.Options):
    """The options of R3GAN's networks."""

    width: Annotated[int, Field(ge=1)] = 32
    """Channels of the layers next to the image."""
    multipliers: tuple[int, ...] = (1, 2, 3, 4)
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
    objective = Relativistic("relativistic")
    rectangles = True
    smallest_batch = 1

    Options = ResidualOptions

    presets = {
        "small": dict(
            width=32, multipliers=(1, 2, 3, 4), blocks=1, latent=64, batch_size=32, learning_rate=1e-3, beta1=0.0, beta2=0.99,
            r1=1.0, r1_every=8, flip=True,
        ),
    }  # fmt: skip
    preset_notes = {
        "small": "The paper's networks at a fraction of their width, tuned for pictures of 32 to 64 pixels and two CPU cores.",
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


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    """Without labels, and with them."""
    register(R3GAN)
    register(ConditionalR3GAN)
