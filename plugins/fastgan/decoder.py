"""Decoders: a discriminator whose planes an image can be made of again has looked at all of it (section 3.2).

The authors compare images by a network that was trained on photographs (LPIPS), which zoo does not ship; here they are compared
pixel by pixel, at three scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from zoo_plugins.fastgan.layers import convolution, up_block

SHARES = {16: 4, 32: 2, 64: 2, 128: 1}
"""Channels of a decoder's planes of each side, as multiples of its width."""

SCALES = 3
"""At which images are compared: as they are, and at one half and a quarter of their side."""


class Features(NamedTuple):
    """The planes that decoders make images of."""

    whole: Tensor
    """(N, C, 8, 8), of the image."""
    part: Tensor
    """(N, C, 16, 16), of the image: one of its quarters is decoded."""
    second: Tensor | None
    """(N, C, 8, 8), of the image at the second scale, if there is one."""


def decoder(inputs: int, channels: int, side: int, width: int) -> nn.Sequential:
    """Planes (N, inputs, 8, 8) to images (N, channels, side, side) in [-1, 1]; `side` is a power of two from 16 to 128."""
    layers: list[nn.Module] = []
    for each, share in SHARES.items():
        if each <= side:
            layers.append(up_block(inputs, share * width))
            inputs = share * width
    return nn.Sequential(*layers, convolution(inputs, channels, 3, 1, 1, activation="tanh"))


class Decoders(nn.ModuleDict):
    """One decoder for each kind of planes, by the names of `Features`.

    Args:
        sources: channels of the planes.
        channels: of the images.
        side: of the images that are made.
        width: channels of a decoder's planes of side 128; the published ones have 32.
    """

    def __init__(self, sources: Mapping[str, int], channels: int, side: int, width: int) -> None:
        super().__init__({name: decoder(inputs, channels, side, width) for name, inputs in sources.items()})
        self.side = side

    def forward(self, images: Tensor, features: Features) -> Tensor:
        """How much the images differ from those made of their planes: 0-d, the sum over the decoders.

        images: (N, C, H, W) in [-1, 1]. Of the planes for parts one quarter is decoded, the same one for all images of a batch,
        chosen by torch's default generator of the images' device; it is compared with that quarter of the images.
        """
        quarter = torch.randint(0, 4, (1,), device=images.device)
        small = shrink(images, self.side)
        made = self["whole"](features.whole)
        parts = self["part"](quarter_of(features.part, quarter))
        total = difference(made, small) + difference(parts, shrink(quarter_of(images, quarter), self.side))
        if "second" in self:
            total = total + difference(self["second"](features.second), small)
        return total


def quarter_of(planes: Tensor, which: Tensor) -> Tensor:
    """One quarter of planes (N, C, H, W): (N, C, H/2, W/2). `which`: (1,), 0 to 3, row by row; it is never read back."""
    count, channels, height, width = planes.shape
    split = planes.reshape(count, channels, 2, height // 2, 2, width // 2)
    quarters = split.permute(2, 4, 0, 1, 3, 5).flatten(0, 1)
    return quarters.index_select(0, which)[0]


def shrink(images: Tensor, side: int) -> Tensor:
    """Images (N, C, H, H) to (N, C, side, side), each pixel the mean of those in its place."""
    step = images.shape[-1] // side
    return images if step == 1 else F.avg_pool2d(images, step)


def difference(made: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference of pixels, averaged over `SCALES`. 0-d."""
    total = F.l1_loss(made, wanted)
    for _ in range(SCALES - 1):
        made, wanted = F.avg_pool2d(made, 2), F.avg_pool2d(wanted, 2)
        total = total + F.l1_loss(made, wanted)
    return total / SCALES
