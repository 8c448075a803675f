"""FastGAN: a light generator, and a discriminator that auto-encodes, for a few hundred pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from zoo_plugins.fastgan.losses import PatchHinge, discriminator_loss

import zoo

if TYPE_CHECKING:
    from torch import nn

SIZES = (32, 64, 128, 256, 512, 1024)

LARGE = 256
"""Images of so many pixels a side, and a GPU, are what the published networks are for."""


class FastGAN(zoo.Architecture):
    """FastGAN (Liu et al. 2021): skip-layer excitation in G, a self-supervised D, for few pictures."""

    name = "fastgan"

    class Options(zoo.Options):
        width: Annotated[int, Field(ge=1)] = 64
        """Channels of G's planes of 128×128: 16 times as many at 4×4, fewer the larger the planes are. The paper has 64."""
        discriminator_width: Annotated[int, Field(ge=1)] | None = None
        """Channels of D's planes of 64×64, twice as many with each halving; by default as many as --width."""
        second_scale: bool = True
        """D looks at the images at half their size too, with a second stack of layers, as in the authors' program."""
        reconstruction: Annotated[float, Field(ge=0)] = 10.0
        """Weight of what D's decoders miss of real images (mean absolute difference of pixels); 0 for no decoders."""
        smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.2
        """The margin of D's hinge loss is drawn for each patch between 1 less this and 1; 0 for the paper's formula."""

    presets = {
        "small": dict(
            width=8, discriminator_width=12, latent=128, batch_size=16, augment=("color", "translation"), reuse_fakes=True,
            ema=0.998, steps=5000,
        ),
        "paper": dict(
            size=256, latent=256, batch_size=8, augment=("color", "translation"), flip=True, reuse_fakes=True, steps=50000,
        ),
    }  # fmt: skip
    preset_notes = {
        "small": "The paper's rules at an eighth of G's width and a fifth of D's, for 32 to 64 pixels and two CPU cores.",
        "paper": "Liu et al. 2021, as copies of their program have it: 256×256, widths 64, Adam 2e-4, batch 8, EMA 0.999, "
        "DiffAugment's color and translation, pictures mirrored at random; 50,000 steps.",
    }
    default_preset = "small"

    def preset_for(self, data: zoo.DataSpec, device: str = "cpu") -> str:
        return "paper" if device == "cuda" and min(data.height, data.width) >= LARGE else "small"

    def sizes(self, options: Options) -> Sequence[int]:
        return SIZES

    def objective_for(self, options: Options) -> PatchHinge:
        return PatchHinge("hinge", smoothing=options.smoothing)

    def phases(self, options: Options) -> Sequence[zoo.Phase]:
        return [
            *[zoo.Phase("discriminator", discriminator_loss)] * options.discriminator_steps,
            zoo.Phase("generator"),
        ]

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.fastgan.generator import Generator

        return Generator(options.latent, data.channels, data.height, options.width)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.fastgan.discriminator import Discriminator

        width = options.discriminator_width or options.width
        return Discriminator(data.channels, data.height, width, options.second_scale, options.reconstruction > 0)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(FastGAN)
