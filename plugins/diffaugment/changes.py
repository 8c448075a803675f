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
    brightness, saturation, contrast = transform.uniform(3)
    chosen, channels = transform.chosen(), transform.channels
    brightness = torch.where(chosen, brightness - 0.5, 0.0)
    saturation = torch.where(chosen, 2 * saturation, 1.0)[:, None, None]
    contrast = torch.where(chosen, contrast + 0.5, 1.0)[:, None, None]
    as_it_is = torch.eye(channels, device=transform.device)
    grey = torch.full((channels, channels), 1 / channels, device=transform.device)
    matrix = contrast * (saturation * as_it_is + (1 - saturation) * grey)
    transform.recolor(matrix, brightness[:, None].expand(-1, channels), (1 - contrast) * grey)


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
    shifts = []
    for side in (transform.width, transform.height):
        reach = int(side * REACH + 0.5)
        shifts.append(transform.integers(-reach, reach))
    moved = torch.where(transform.chosen(), torch.stack(shifts), 0).float()
    as_it_is = torch.eye(2, device=transform.device).expand(transform.count, 2, 2)
    transform.warp(torch.cat([as_it_is, moved.T[:, :, None]], 2), "zeros")


def cut_out(transform: zoo.Transform) -> None:
    """0 in a square of `CUT` times the sides, whose middle is anywhere in the image: it may reach beyond the edge."""
    chosen = transform.chosen()
    starts, ends = [], []
    for side in (transform.height, transform.width):
        cut = int(side * CUT + 0.5)
        start = transform.integers(0, side - cut % 2) - cut // 2
        starts.append(start)
        ends.append(torch.where(chosen, start + cut, start))  # an empty box
    transform.cut(*starts, *ends)
