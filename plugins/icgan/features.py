"""The features of a picture: the lowest coefficients of its discrete cosine transform, as small a picture of it would have."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SIDE = 8
"""Frequencies, from 0 half waves to 7, in each direction: as much as 8×8 pixels hold."""

OPPONENT = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
"""Rows that make brightness and two differences of colours of red, green and blue."""

SCALES = (3.75, 1.5, 1.0)
"""How large the mean of brightness and of each difference of colours gets, roughly, among pictures."""


def max_features(channels: int) -> int:
    """How many coefficients there are of an image of so many channels."""
    return channels * SIDE * SIDE


class LowFrequencies(nn.Module):
    """Images (N, C, H, W) in [-1, 1] to their lowest coefficients (N, `count`), each divided by the size it usually has.

    Amplitudes of natural images fall as 1 / f with the frequency (Field 1987), and are largest in brightness; `count` takes the
    coefficients in that order. So each is about as large as another, and far ones say little.
    """

    along_height: Tensor
    along_width: Tensor
    colors: Tensor
    order: Tensor
    scale: Tensor

    def __init__(self, image: tuple[int, int, int], count: int) -> None:
        super().__init__()
        channels, height, width = image
        colors = torch.tensor(OPPONENT) if channels == len(OPPONENT) else torch.eye(channels)
        f = torch.arange(SIDE)
        radius = (f[:, None] ** 2 + f[None, :] ** 2).sqrt()
        sizes = torch.tensor(SCALES if channels == len(OPPONENT) else SCALES[:1] * channels)
        scale = (sizes[:, None, None] / (1 + radius)).flatten()
        order = scale.argsort(descending=True, stable=True)[:count]
        # None is learnt, or kept: they follow from the shape.
        for name, value in {
            "along_height": _cosines(height),
            "along_width": _cosines(width),
            "colors": colors / colors.norm(dim=1, keepdim=True),
            "order": order,
            "scale": scale[order],
        }.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Their coefficients, in float32 whatever the precision around it."""
        with torch.autocast(images.device.type, enabled=False):
            x = torch.einsum("fh,nchw->ncfw", self.along_height, images.float())
            x = torch.einsum("gw,ncfw->ncfg", self.along_width, x)
            x = torch.einsum("dc,ncfg->ndfg", self.colors, x)
            return x.flatten(1)[:, self.order] / self.scale


def _cosines(side: int) -> Tensor:
    """(8, side): the cosines of DCT-II, scaled to give of an image what the orthonormal ones give of its 8×8 thumbnail."""
    f, x = torch.arange(SIDE)[:, None], torch.arange(side)[None, :]
    found = torch.cos(math.pi * (x + 0.5) * f / side) * math.sqrt(2 / SIDE) * SIDE / side
    found[0] /= math.sqrt(2)
    return found
