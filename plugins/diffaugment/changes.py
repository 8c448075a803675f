"""The changes, as what is done to a batch of images (N, C, H, W) in [-1, 1], each of which is changed in its own way.

All that is random is drawn by torch's default generator of the images' device, and never read back from it.
"""

from __future__ import annotations

import torch
from torch import Tensor

import zoo

REACH = 1 / 8
"""Of a shift, as a share of the side."""

CUT = 1 / 2
"""Side of the square that is left out, as a share of the image's."""


def color(transform: zoo.Transform) -> None:
    """Brightness moved by up to 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5, in this order.

    Saturation is the distance from the mean of an image's channels, contrast that from its mean: x becomes
    contrast · (saturation · x + (1 - saturation) · grey) + (1 - contrast) · mean + brightness.
    """
    brightness, saturation, contrast = transform.uniform(3).sub_(0.5).mul_(transform.chosen())
    channels, of_means = transform.channels, contrast / -transform.channels
    saturation, contrast = (2 * saturation).add_(1), 1 + contrast
    grey = ((1 - saturation) * contrast / channels)[:, None, None]
    as_it_is = torch.eye(channels, device=transform.device)
    matrix = grey + (saturation * contrast)[:, None, None] * as_it_is
    transform.recolor(matrix, brightness[:, None].expand(-1, channels), of_means[:, None, None].expand(matrix.shape))


def color_of_what_is_seen(images: Tensor) -> Tensor:
    """`color` for colours multiplied with alpha: the same change of the straight ones, whose mean is that of what is visible.

    The last of four channels, alpha, stays as it is, and so does what is transparent: the colours change by as much of it.
    """
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, device=images.device).unbind()
    colours, alpha = images[:, :3] + 1, (images[:, 3:] + 1) / 2  # 0 where nothing is
    colours = colours + (brightness - 0.5) * alpha
    grey = colours.mean(1, keepdim=True)
    colours = grey + (colours - grey) * (2 * saturation)
    seen = alpha.sum((1, 2, 3), keepdim=True).clamp(min=1e-3)
    mean = colours.mean(1, keepdim=True).sum((1, 2, 3), keepdim=True) / seen * alpha
    return torch.cat([mean + (colours - mean) * (contrast + 0.5) - 1, images[:, 3:]], 1)


def translate(transform: zoo.Transform) -> None:
    """Shifted by up to `REACH` in both directions, by whole pixels; 0 comes in where the image does not reach."""
    reach = [int(side * REACH + 0.5) for side in (transform.width, transform.height)]
    shifts = torch.stack([transform.integers(-most, most) for most in reach], 1)
    as_it_is = torch.eye(2, 3, device=transform.device).repeat(transform.count, 1, 1)
    as_it_is[:, :, 2] = shifts * transform.chosen()[:, None]
    transform.warp(as_it_is, "zeros")


def cut_out(transform: zoo.Transform) -> None:
    """0 in a square of `CUT` times the sides, whose middle is anywhere in the image: it may reach beyond the edge."""
    chosen = transform.chosen()
    starts, ends = [], []
    for side in (transform.height, transform.width):
        cut = int(side * CUT + 0.5)
        start = transform.integers(0, side - cut % 2) - cut // 2
        starts.append(start)
        ends.append(torch.add(start, chosen, alpha=cut))  # or an empty box
    transform.cut(*starts, *ends)
