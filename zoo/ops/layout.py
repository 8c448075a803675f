"""Which of the two layouts of images a tensor lies in: contiguous (nchw), or channels last (nhwc)."""

from __future__ import annotations

import torch
from torch import Tensor


def lies_channels_last(image: Tensor) -> bool:
    """Whether an image (N, C, H, W), or a convolution's weights, are meant to lie channels last.

    Those of one channel or one pixel lie in both layouts at once; their strides tell which of them is meant, as in torch.
    """
    if not image.is_contiguous(memory_format=torch.channels_last):
        return False
    return not image.is_contiguous() or image.stride()[1:] == (1, image.shape[3] * image.shape[1], image.shape[1])


def as_channels_last(image: Tensor) -> Tensor:
    """The same values, channels last by strides too."""
    return (
        image if lies_channels_last(image) else torch.empty_like(image, memory_format=torch.channels_last).copy_(image)
    )


def empty_like_plain(x: Tensor) -> Tensor:
    """The layout of every output as large as x: channels_last where x is, contiguous otherwise.

    An image of one channel or one pixel is both, and keeps its strides.
    """
    if x.dim() != 4 or not x.is_contiguous(memory_format=torch.channels_last):
        return torch.empty_like(x, memory_format=torch.contiguous_format)
    return torch.empty_like(x, memory_format=torch.preserve_format if x.is_contiguous() else torch.channels_last)


def laid_like(result: Tensor, x: Tensor) -> Tensor:
    """`result` in the layout that the kernels would give it."""
    out = empty_like_plain(x)
    return out.copy_(result)
