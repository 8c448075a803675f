"""R3GAN's two networks, configuration E of Huang et al. 2024 (https://arxiv.org/abs/2501.05441, section 4).

A ladder of sizes, each half of the one before, leads from the image down to 4×4 (the shorter side of a rectangle is 4). At
every size stand residual blocks; between two sizes the planes are resampled, and where their number changes a 1×1 convolution
changes it, always on the smaller side. G walks up from a basis of planes and D, its mirror, down to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from zoo_plugins.r3gan.blocks import (
    DiscriminativeBasis,
    GenerativeBasis,
    Labels,
    ResidualBlock,
    convolution,
)

import zoo

SMALLEST = 4
"""The shorter side of the first planes of G and the last of D."""

FILTER = (1, 3, 3, 1)
"""Of resampling, in each direction. The paper's [1, 2, 1] is one of pixels of the smaller image: between those of the larger,
half a pixel apart, it is [1, 2, 1] * [1, 1] (Karras et al. 2020, https://arxiv.org/abs/1912.04958, resample so too)."""


def halvings(sides: tuple[int, int]) -> int:
    """How often the sides, powers of two, are halved on the way down: ``halvings((64, 32)) == 3``."""
    return (min(sides) // SMALLEST).bit_length() - 1


@dataclass(frozen=True)
class Shape:
    """What the two networks agree on."""

    channels: int
    """Of the images."""
    sides: tuple[int, int]
    """Height and width of the images, powers of two of 4 or more."""
    widths: tuple[int, ...]
    """Channels at each size, from the image's own down to the smallest: one more than there are `halvings`."""
    blocks: int
    """At each size."""
    expansion: int
    """Of each block."""
    group_width: int
    """Channels of each group of a block's 3×3 convolution; one group of all where there are fewer."""
    classes: int = 0
    """Of the labels; 0 for none."""

    @property
    def smallest(self) -> tuple[int, int]:
        """Height and width at the end of the ladder."""
        height, width = (side >> len(self.widths) - 1 for side in self.sides)
        return height, width

    def stage(self, width: int) -> list[nn.Module]:
        """The blocks of one size."""
        groups = max(1, width * self.expansion // self.group_width)
        depth = self.blocks * len(self.widths)
        return [ResidualBlock(width, self.expansion, groups, depth) for _ in range(self.blocks)]


class Generator(nn.Module):
    """Latents (N, L), and labels (N,) where there are classes, to images (N, C, H, W).

    The last layer is linear, as the paper's: while G learns, nothing but D holds its numbers within [-1, 1]. What lies outside
    is cut off in evaluation mode, as the authors' program does where it draws.
    """

    def __init__(self, latent: int, shape: Shape) -> None:
        super().__init__()
        self.labels = Labels(shape.classes, latent) if shape.classes else None
        up = shape.widths[::-1]
        layers: list[nn.Module] = [GenerativeBasis(latent * (2 if shape.classes else 1), up[0], shape.smallest)]
        layers += shape.stage(up[0])
        for before, after in pairwise(up):
            layers += [convolution(before, after)] if before != after else []
            layers += [zoo.nn.Upsample2d(FILTER), *shape.stage(after)]
        self.layers = nn.Sequential(*layers, convolution(up[-1], shape.channels))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """To images (N, C, H, W)."""
        if self.labels is not None:
            latents = torch.cat([latents, self.labels(labels)], 1)
        images: Tensor = self.layers(latents)
        return images if self.training else images.clamp(-1, 1)


class Discriminator(nn.Module):
    """Images (N, C, H, W), and labels (N,) where there are classes, to logits (N,).

    With classes its head gives a vector, and the logit is its product with that of the label (Miyato & Koyama 2018,
    https://arxiv.org/abs/1802.05637).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        down = shape.widths
        layers: list[nn.Module] = [convolution(shape.channels, down[0]), *shape.stage(down[0])]
        for before, after in pairwise(down):
            layers += [zoo.nn.Downsample2d(FILTER)]
            layers += [convolution(before, after)] if before != after else []
            layers += shape.stage(after)
        layers += [DiscriminativeBasis(down[-1], down[-1] if shape.classes else 1, shape.smallest)]
        self.layers = nn.Sequential(*layers)
        self.labels = Labels(shape.classes, down[-1], down[-1] ** -0.5) if shape.classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """To logits (N,)."""
        numbers: Tensor = self.layers(images)
        if self.labels is not None:
            numbers = (numbers * self.labels(labels)).sum(1)
        return numbers.flatten()
