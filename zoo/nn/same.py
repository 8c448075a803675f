"""Convolutions with TensorFlow's padding "same", which torch has not for strides.

A convolution gives ⌈size / stride⌉ rows. The rows of zeros that this takes are halved; an odd one goes to the end: kernel 5
and stride 2 on an even size pad one row before and two after. The transposed convolution is the adjoint of that convolution:
stride times as many rows, with the rest of the full result cut off, one row at the start and two at the end.
(TensorFlow, "Notes on padding" in https://www.tensorflow.org/api_docs/python/tf/nn.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from zoo.nn.convolution import convolve_padded, convolve_transposed
from zoo.nn.layers import Conv2dAct, ConvTranspose2dAct, finish
from zoo.ops.layout import lies_channels_last

TransposedConvolution = Callable[[Any, Tensor, list[int], list[int]], Tensor]


class Conv2dSame(Conv2dAct):
    """activation(convolution(x) + b) of ⌈H / stride⌉ × ⌈W / stride⌉, padded with zeros as TensorFlow does.

    Takes the arguments of `torch.nn.Conv2d` but the padding, whose place in the row is skipped,
    and those below by keyword.

    Args:
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, *,
        activation: str = "identity", slope: float = 0.0, **keywords: Any,
    ) -> None:  # fmt: skip
        _refuse_padding(keywords)
        super().__init__(in_channels, out_channels, kernel_size, stride, activation=activation, slope=slope, **keywords)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', ⌈H / stride⌉, ⌈W / stride⌉)."""
        x, padding = padded(self, x)
        return finish(self, convolve_padded(self, x, padding))


class ConvTranspose2dSame(ConvTranspose2dAct):
    """activation(transposed convolution(x) + b) of stride · H × stride · W: the adjoint of `Conv2dSame`.

    Takes the arguments of `torch.nn.ConvTranspose2d` but the paddings, whose places in the row are
    skipped, and those below by keyword.

    Args:
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, *,
        activation: str = "identity", slope: float = 0.0, **keywords: Any,
    ) -> None:  # fmt: skip
        _refuse_padding(keywords)
        super().__init__(in_channels, out_channels, kernel_size, stride, activation=activation, slope=slope, **keywords)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # as in ConvTranspose2dAct
        """(N, C, H, W) to (N, C', stride · H, stride · W)."""
        return finish(self, transposed(self, x, convolve_transposed))


def padded(layer: nn.Conv2d, x: Tensor) -> tuple[Tensor, list[int]]:
    """x with the rows of zeros at its end that a convolution cannot be told of, and the padding that it can."""
    # The last of ⌈size / stride⌉ steps ends at step · stride + reach.
    missing = [
        max(0, (-(-size // stride) - 1) * stride + rows - size)
        for size, stride, rows in zip(x.shape[2:], layer.stride, _reach(layer), strict=True)
    ]
    before = [rows // 2 for rows in missing]
    if not any(rows % 2 for rows in missing):
        return x, before
    (top, left), (bottom, right) = before, [rows - rows // 2 for rows in missing]
    return F.pad(x, (left, right, top, bottom)), [0, 0]


def transposed(layer: nn.ConvTranspose2d, x: Tensor, convolution: TransposedConvolution) -> Tensor:
    """The transposed convolution of stride · H × stride · W, by `convolution(layer, x, padding, output_padding)`."""
    # The full result has `over` rows too many. torch cuts off `padding` rows at both ends and can only give rows back at
    # the end (output_padding, where the kernel is smaller than the stride), so the odd one is cut off here.
    over = [rows - stride for rows, stride in zip(_reach(layer), layer.stride, strict=True)]
    y = convolution(layer, x, [max(0, rows) // 2 for rows in over], [max(0, -rows) for rows in over])
    height, width = (size * stride for size, stride in zip(x.shape[2:], layer.stride, strict=True))
    last = torch.channels_last if lies_channels_last(y) else torch.contiguous_format
    return y[:, :, :height, :width].contiguous(memory_format=last)


def _reach(layer: nn.Conv2d | nn.ConvTranspose2d) -> list[int]:
    """The rows and columns that the kernel covers."""
    return [d * (k - 1) + 1 for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]


def _refuse_padding(keywords: dict[str, Any]) -> None:
    for name in ("padding", "output_padding", "padding_mode"):
        if name in keywords:
            raise ValueError(
                f"{name} is {keywords[name]!r}; this layer pads with zeros as TensorFlow does, leave it out"
            )
