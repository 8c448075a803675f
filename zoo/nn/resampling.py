"""Images of twice and of half the size."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from zoo import errors, ops

NAMES = ("nearest", "bilinear", "box")
"""Filters that have a name."""
_BOX = (1.0, 1.0)


class _Resampling(nn.Module):
    """A filter by its taps, or by name. It has no parameters and nothing in the state dict."""

    def __init__(self, filter: Sequence[float] | str = (1, 3, 3, 1)) -> None:
        super().__init__()
        if isinstance(filter, str):
            if filter not in NAMES:
                raise ValueError(errors.unknown("filter", filter, NAMES))
            self.filter: str | tuple[float, ...] = filter
            return
        self.filter = tuple(float(tap) for tap in filter)
        if not 2 <= len(self.filter) <= 32:
            raise ValueError(f"filter is {filter!r}; 2 to 32 taps are needed, as in (1, 3, 3, 1)")
        if not sum(self.filter) > 0:
            raise ValueError(f"filter is {filter!r}; taps with a sum above 0 are needed, as in (1, 3, 3, 1)")

    def taps(self, total: float) -> tuple[float, ...]:
        """Those that add up to `total`."""
        taps = _BOX if isinstance(self.filter, str) else self.filter
        return tuple(total * tap / sum(taps) for tap in taps)

    def extra_repr(self) -> str:
        return repr(self.filter)


class Upsample2d(_Resampling):
    """Images of twice the size, filtered (Karras et al. 2020, https://arxiv.org/abs/1912.04958).

    The taps are scaled so that an image keeps its brightness; beyond its edges there are zeros. Pixel 2i of the result is
    computed from the pixels before i and i. StyleGAN2 and R3GAN have (1, 3, 3, 1), which is (1, 2, 1) * (1, 1): bilinear, with
    zeros beyond the edges; an odd number of taps moves the image by half a pixel of the result.

    Args:
        filter: the taps of one direction, 2 to 32; or "nearest" (the same as "box": each pixel four times) or "bilinear", which
            are those of `torch.nn.Upsample(scale_factor=2, mode=…)`.

    Raises:
        ValueError: for an unknown name or taps that do not fit.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 2H, 2W)."""
        if isinstance(
            self.filter, str
        ):  # torch's own: bilinear repeats the edges, and nearest is a copy, as fast as can be
            return F.interpolate(x, scale_factor=2, mode="bilinear" if self.filter == "bilinear" else "nearest")
        taps = self.taps(2)
        before, after = (len(taps) + 1) // 2, (len(taps) - 2) // 2
        return ops.upfirdn2d(x, taps, up=2, padding=(before, after, before, after))


class Downsample2d(_Resampling):
    """Images of half the size, filtered (Karras et al. 2020, https://arxiv.org/abs/1912.04958).

    The taps are scaled so that an image keeps its brightness; beyond its edges there are zeros. With an odd number of taps the
    middle one lies on pixel 2i. An odd last row or column is left out.

    Args:
        filter: the taps of one direction, 2 to 32; or "nearest" (every other pixel), "bilinear" or "box" (both the mean of four
            pixels, that of `torch.nn.AvgPool2d(2)`).

    Raises:
        ValueError: for an unknown name or taps that do not fit.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, ⌊H / 2⌋, ⌊W / 2⌋)."""
        taps = (1.0,) if self.filter == "nearest" else self.taps(1)
        before, after = (len(taps) - 1) // 2, (len(taps) - 2) // 2
        return ops.upfirdn2d(x, taps, down=2, padding=(before, after, before, after))
