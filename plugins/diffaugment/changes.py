"""The changes, in plain torch: of images (N, C, H, W) in [-1, 1], each of which is changed in its own way.

All that is random is drawn by torch's default generator of the images' device, and never read back from it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 1 / 8
"""Of a shift, as a share of the side."""

CUT = 1 / 2
"""Side of the square that is left out, as a share of the image's."""


def color(images: Tensor) -> Tensor:
    """Brightness moved by up to 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5, in this order.

    Saturation is the distance from the mean of an image's channels, contrast that from its mean. Of four channels the last, alpha,
    stays as it is, and so does what is transparent: the colours, multiplied with alpha, change by as much of it.
    """
    if images.shape[1] == 4:
        return _color_of_what_is_seen(images)
    brightness, saturation, contrast = (_uniform(images) for _ in range(3))
    images = images + (brightness - 0.5)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (contrast + 0.5)


def _color_of_what_is_seen(images: Tensor) -> Tensor:
    """`color` for colours multiplied with alpha: the same change of the straight ones, whose mean is that of what is visible."""
    brightness, saturation, contrast = (_uniform(images) for _ in range(3))
    colours, alpha = images[:, :3] + 1, (images[:, 3:] + 1) / 2  # 0 where nothing is
    colours = colours + (brightness - 0.5) * alpha
    grey = colours.mean(1, keepdim=True)
    colours = grey + (colours - grey) * (2 * saturation)
    seen = alpha.sum((1, 2, 3), keepdim=True).clamp(min=1e-3)
    mean = colours.mean(1, keepdim=True).sum((1, 2, 3), keepdim=True) / seen * alpha
    return torch.cat([mean + (colours - mean) * (contrast + 0.5) - 1, images[:, 3:]], 1)


def translate(images: Tensor) -> Tensor:
    """Shifted by up to `REACH` in both directions, by whole pixels; 0 comes in where the image does not reach."""
    count, _, *sides = images.shape
    places = []
    for side in sides:
        reach = int(side * REACH + 0.5)
        shift = torch.randint(-reach, reach + 1, (count, 1), device=images.device)
        # Where each pixel comes from, in an image with a border of one pixel of 0 around it.
        places.append((torch.arange(1, side + 1, device=images.device) + shift).clamp(0, side + 1))
    rows, columns = places
    which = torch.arange(count, device=images.device)
    framed = nn.functional.pad(images, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    shifted = framed[which[:, None, None], rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2).contiguous()


def cut_out(images: Tensor) -> Tensor:
    """0 in a square of `CUT` times the sides, whose middle is anywhere in the image: it may reach beyond the edge."""
    count, _, *sides = images.shape
    inside = []
    for side in sides:
        cut = int(side * CUT + 0.5)
        start = torch.randint(0, side + 1 - cut % 2, (count, 1), device=images.device) - cut // 2
        distance = torch.arange(side, device=images.device) - start
        inside.append((distance >= 0) & (distance < cut))
    rows, columns = inside
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hole, 0.0)


def _uniform(images: Tensor) -> Tensor:
    """A number in [0, 1) for each image, (N, 1, 1, 1)."""
    return torch.rand(len(images), 1, 1, 1, device=images.device)
