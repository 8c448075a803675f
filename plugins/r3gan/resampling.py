"""Bilinear resampling by two, as a FIR filter: zeros around the image, no parameters, nothing in the state dict.

The paper's filter [1, 2, 1] is one of pixels of the smaller image: between those of the larger, half a pixel apart, it is
[1, 2, 1] * [1, 1] = [1, 3, 3, 1] in each direction (Karras et al. 2020, https://arxiv.org/abs/1912.04958, resample so too).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

FILTER = (1.0, 3.0, 3.0, 1.0)


class _Resample(nn.Module):
    """The filter as weights (1, 1, 4, 4) that sum to `gain`: one plane for every channel, of which a module knows no number."""

    kernel: Tensor

    def __init__(self, gain: float) -> None:
        super().__init__()
        line = torch.tensor(FILTER)
        line = line / line.sum()
        self.register_buffer("kernel", gain * torch.outer(line, line)[None, None], persistent=False)

    def weights(self, x: Tensor) -> Tensor:
        """For each channel of x (N, C, H, W) its own, (C, 1, 4, 4)."""
        return self.kernel.to(x.dtype).expand(x.shape[1], -1, -1, -1)


class Upsample(_Resample):
    """(N, C, H, W) to (N, C, 2 H, 2 W)."""

    def __init__(self) -> None:
        super().__init__(4.0)  # three of four pixels are new, and zero before the filter

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 2 H, 2 W)."""
        return F.conv_transpose2d(x, self.weights(x), stride=2, padding=1, groups=x.shape[1])


class Downsample(_Resample):
    """(N, C, H, W) to (N, C, H / 2, W / 2); H and W are even."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H / 2, W / 2)."""
        return F.conv2d(x, self.weights(x), stride=2, padding=1, groups=x.shape[1])
