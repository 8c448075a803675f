"""The layers' way to the convolutions of `zoo.ops`."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from zoo import ops


def convolve(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """The layer's convolution of x without its bias."""
    if layer.padding_mode == "zeros" and _plain(layer):
        return ops.conv2d(x, layer.weight, layer.stride[0], int(layer.padding[0]))
    y: Tensor = layer._conv_forward(x, layer.weight, None)
    return y


def convolve_transposed(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """The layer's transposed convolution of x without its bias."""
    if not any(layer.output_padding) and _plain(layer):
        return ops.conv_transpose2d(x, layer.weight, layer.stride[0], int(layer.padding[0]))
    options: Any = (layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation)
    return F.conv_transpose2d(x, layer.weight, None, *options)


def _plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """Whether the ops' arguments can say what the layer computes: one stride, one padding, neither groups nor dilation."""
    stride, padding = layer.stride, layer.padding
    alike = stride[0] == stride[1] and not isinstance(padding, str) and padding[0] == padding[1]
    return alike and layer.groups == 1 and layer.dilation == (1, 1)
