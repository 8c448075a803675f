"""The layers' way to the convolutions of `zoo.ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from zoo import ops


def convolve(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """The layer's convolution of x without its bias."""
    own = type(layer)._conv_forward is not nn.Conv2d._conv_forward  # a subclass that computes it another way
    if layer.padding_mode == "zeros" and not isinstance(layer.padding, str) and not own:
        return convolve_padded(layer, x, layer.padding)
    y: Tensor = layer._conv_forward(x, layer.weight, None)
    return y


def convolve_padded(layer: nn.Conv2d, x: Tensor, padding: Sequence[int]) -> Tensor:
    """The same with rows and columns of zeros, as many as `padding` says, whatever the layer's own are."""
    if _plain(layer) and padding[0] == padding[1]:
        return ops.conv2d(x, layer.weight, layer.stride[0], padding[0], layer.groups)
    options: Any = (layer.stride, padding, layer.dilation, layer.groups)
    return F.conv2d(x, layer.weight, None, *options)


def convolve_transposed(
    layer: nn.ConvTranspose2d, x: Tensor, padding: Sequence[int], output_padding: Sequence[int]
) -> Tensor:
    """The layer's transposed convolution of x without its bias, cut by `padding` and with `output_padding` more."""
    if _plain(layer) and layer.groups == 1 and padding[0] == padding[1] and not any(output_padding):
        return ops.conv_transpose2d(x, layer.weight, layer.stride[0], padding[0])
    options: Any = (layer.stride, padding, output_padding, layer.groups, layer.dilation)
    return F.conv_transpose2d(x, layer.weight, None, *options)


def _plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """Whether the ops can compute it: one stride for both directions, no dilation."""
    return layer.stride[0] == layer.stride[1] and layer.dilation == (1, 1)
