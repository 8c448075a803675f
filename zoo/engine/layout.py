"""How images and weights lie in memory: contiguous (NCHW), or all channels of a pixel together (channels last, NHWC).

Within a network images lie as its weights do; outside, where losses and plugins look at them, they are always contiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zoo.ops.layout import as_channels_last


def lay_channels_last(*networks: nn.Module) -> None:
    """Lay the weights of convolutions channels last, in place."""
    for weight in _kernels(*networks):
        weight.data = as_channels_last(weight.data)


def to_channels_last(images: Tensor) -> Tensor:
    """Images (N, C, H, W) as a network laid channels last takes them. Their gradient comes out in their own layout."""
    return _laid(images, last=True)


def to_contiguous(images: Tensor) -> Tensor:
    """Images (N, C, H, W) of a network, contiguous. Their gradient goes in as they came out."""
    return _laid(images, last=False)


def _laid(images: Tensor, last: bool) -> Tensor:
    form = torch.channels_last if last else torch.contiguous_format
    if images.dim() != 4 or images.is_contiguous(memory_format=form):
        return images
    laid: Tensor = _Laid.apply(images, last)  # type: ignore[no-untyped-call]
    return laid


class _Laid(torch.autograd.Function):
    """Images in one layout, their gradient in the other, to any order."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, last: bool) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.last = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return _laid(gradients[0], not ctx.last), None


def layout_advice(error: BaseException) -> str:
    """What to say beside an error of `view`, which takes tensors in one layout alone; empty for other errors."""
    if "view size is not compatible" not in str(error):
        return ""
    return "; weights of convolutions lie channels last here, which flatten and reshape take (docs/plugins.md)"


def is_convolutional(*networks: nn.Module) -> bool:
    """Whether one of them holds parameters of four dimensions, as the weights of convolutions are."""
    return any(True for _ in _kernels(*networks))


def _kernels(*networks: nn.Module) -> Iterator[nn.Parameter]:
    return (parameter for network in networks for parameter in network.parameters() if parameter.dim() == 4)
