"""How images are brought to the size of a network: each standard does it in its own way, and its scores hang on that.

Parmar et al. 2022 (https://arxiv.org/abs/2104.11222) show by how much. Each function takes uint8 (n, 3, H, W) and returns float32
(n, 3, size, size) in 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn


def torch_fidelity(images: Tensor, size: int) -> Tensor:
    """As TensorFlow 1 did, and torch-fidelity does: bilinear, pixel i of the result at i · H/size of the image, neither centred nor
    smoothed where it becomes smaller."""
    found = images.float()
    for axis in (2, 3):
        length = found.shape[axis]
        # float32 all through, as the original computes it: the last bits decide which pixels are neighbours
        at = torch.arange(size, dtype=torch.float32) * (torch.tensor(float(length)) / torch.tensor(float(size)))
        low = at.floor().long().clamp(max=length - 1)
        high = (low + 1).clamp(max=length - 1)
        weight = (at - low).view([-1 if each == axis else 1 for each in range(4)])
        lower, upper = found.index_select(axis, low), found.index_select(axis, high)
        found = lower + (upper - lower) * weight
    return found


def pytorch_fid(images: Tensor, size: int) -> Tensor:
    """As pytorch-fid does: torch's bilinear, pixels centred, not smoothed where it becomes smaller; of shares of 255."""
    shares = images.float() / 255
    found = nn.functional.interpolate(shares, size=(size, size), mode="bilinear", align_corners=False)
    return found * 255


def clean_fid(images: Tensor, size: int) -> Tensor:
    """As clean-fid does: Pillow's bicubic of each channel as floats, smoothed where it becomes smaller, without rounding."""
    found = np.empty((len(images), images.shape[1], size, size), np.float32)
    for image, into in zip(images.numpy(), found, strict=True):
        for channel, plane in zip(image, into, strict=True):
            picture = Image.fromarray(channel.astype(np.float32))
            plane[:] = np.asarray(picture.resize((size, size), resample=Image.Resampling.BICUBIC))
    return torch.from_numpy(found).clamp_(0, 255)


RESIZINGS: Mapping[str, Callable[[Tensor, int], Tensor]] = MappingProxyType(
    {"torch-fidelity": torch_fidelity, "clean-fid": clean_fid, "pytorch-fid": pytorch_fid}
)
"""By the name of ``--resize``."""
