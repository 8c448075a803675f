"""Which of the two layouts of images a tensor lies in: contiguous, or channels last."""

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
