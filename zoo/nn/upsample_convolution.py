"""Twice the size, then a convolution, as one transposed convolution."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from zoo import ops
from zoo.nn.convolution import convolve
from zoo.nn.layers import Conv2dAct, finish

# What a row of four taps with stride 2 makes of one pixel, in terms of the three taps that meet it twice or once each: of an
# image in which each pixel stands twice, the even results are w0 x[i - 1] + (w1 + w2) x[i], the odd ones
# (w0 + w1) x[i] + w2 x[i + 1].
_FOUR_OF_THREE = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_FEWEST_CHANNELS = 16


class UpsampleConv2d(Conv2dAct):
    """activation(3×3 convolution of the image of twice the size, nearest + b).

    What `torch.nn.Upsample(scale_factor=2)` and then ``torch.nn.Conv2d(in_channels, out_channels, 3, padding=1)`` compute, whose
    parameters it has: a 3×3 convolution of an image whose pixels each stand four times is a transposed 4×4 convolution of stride
    2 of the small one, with four ninths of the products. It is computed so where that is faster.

    Args:
        in_channels: C.
        out_channels: C'.
        bias: with b.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.
        **keywords: ``device`` and ``dtype`` of the parameters.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(
        self, in_channels: int, out_channels: int, bias: bool = True, activation: str = "identity", slope: float = 0.0,
        **keywords: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, 3, padding=1, bias=bias, activation=activation, slope=slope, **keywords
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', 2H, 2W)."""
        if not self._pays(x):
            return finish(self, convolve(self, F.interpolate(x, scale_factor=2)))
        return finish(self, ops.conv_transpose2d(x, four_by_four(self.weight), 2, 1))

    def _pays(self, x: Tensor) -> bool:
        """Whether the transposed convolution is the faster one: measured on CPUs."""
        plain = type(self)._conv_forward is torch.nn.Conv2d._conv_forward and self.groups == 1
        return plain and x.device.type == "cpu" and min(self.in_channels, self.out_channels) >= _FEWEST_CHANNELS


def four_by_four(weight: Tensor) -> Tensor:
    """(C', C, 3, 3), for an image of twice the size, to (C, C', 4, 4), for a transposed convolution of stride 2 and padding 1."""
    row = weight.new_tensor(_FOUR_OF_THREE)
    spread = F.linear(weight.flatten(2), torch.kron(row, row))
    return spread.view(*weight.shape[:2], 4, 4).transpose(0, 1)
