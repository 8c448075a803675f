"""ADA's pipeline, of appendix B of Karras et al. 2020, as what is done to a batch of images (N, C, H, W) in [-1, 1].

All that is random is drawn by torch's default generator of the images' device, and never read back from it; how much of it does
not depend on the probability. Closed forms, in a few operations for all images.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

import zoo

SHIFT = 1 / 8
"""Of whole pixels: up to this share of the side. Of parts of them: the standard deviation of that share."""
SCALE = 0.2
"""Standard deviation of the binary logarithm of scales, the same in both directions or opposite."""
BRIGHTNESS = 0.2
"""Standard deviation of what is added to images in [-1, 1]."""
CONTRAST = 0.5
"""Standard deviation of the binary logarithm of contrast."""
SATURATION = 1.0
"""Standard deviation of the binary logarithm of saturation."""


def blit(transform: zoo.Transform) -> None:
    """Flipped left to right, turned by a multiple of 90 degrees where images are squares, shifted by whole pixels."""
    flip, turn, right, down = transform.uniform(4)
    flipped = torch.where(transform.chosen() & (flip < 0.5), -1.0, 1.0)
    quarters = torch.where(transform.chosen(), (4 * turn).floor(), 0.0)
    if transform.height != transform.width:
        quarters = torch.zeros_like(quarters)
    # Exactly 0, 1 and -1: pixels are copied then.
    cosine, sine = (quarters == 0).float() - (quarters == 2).float(), (quarters == 1).float() - (quarters == 3).float()
    shifted = transform.chosen()
    x, y = (
        torch.where(shifted, ((2 * share - 1) * SHIFT * side).round(), 0.0)
        for share, side in ((right, transform.width), (down, transform.height))
    )
    transform.warp(_map(flipped * cosine, -flipped * sine, sine, cosine, x, y))


def geometry(transform: zoo.Transform) -> None:
    """Scaled, turned, stretched along one axis and compressed along the other, turned again, shifted.

    Two turns have the probability that together makes that of one; the direction of stretching is so any.
    """
    turn1, turn2 = ((2 * share - 1) * math.pi for share in transform.uniform(2))
    scale, stretch, right, down = transform.normal(4)
    scale = torch.where(transform.chosen(), torch.exp2(SCALE * scale), 1.0)
    turn1 = torch.where(transform.chosen(root=True), turn1, 0.0)
    stretch = torch.where(transform.chosen(), torch.exp2(SCALE * stretch), 1.0)
    turn2 = torch.where(transform.chosen(root=True), turn2, 0.0)
    shifted = transform.chosen()
    x, y = (
        torch.where(shifted, SHIFT * share * side, 0.0)
        for share, side in ((right, transform.width), (down, transform.height))
    )
    (c1, s1), (c2, s2) = ((turn.cos(), turn.sin()) for turn in (turn1, turn2))
    wide, high = scale * stretch, scale / stretch
    transform.warp(
        _map(
            c1 * wide * c2 - s1 * high * s2,
            -c1 * wide * s2 - s1 * high * c2,
            s1 * wide * c2 + c1 * high * s2,
            c1 * high * c2 - s1 * wide * s2,
            x,
            y,
        )
    )


def _map(a: Tensor, b: Tensor, c: Tensor, d: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(N, 2, 3): the matrix (a b; c d) of a position that was shifted by (x, y)."""
    return torch.stack([a, b, a * x + b * y, c, d, c * x + d * y], 1).view(-1, 2, 3)


def color(transform: zoo.Transform) -> None:
    """Other brightness and contrast, light for dark, another hue and saturation; grey images have the first three alone.

    With v the grey of length 1: brightness and contrast move along v, light for dark is a mirror across it, hue a turn about it and
    saturation a stretch away from it. Of four channels the last, alpha, stays as it is, and the colours, multiplied with it,
    become those of the straight ones that are changed.
    """
    flip, hue = transform.uniform(2)
    brightness, contrast, saturation = transform.normal(3)
    brightness = torch.where(transform.chosen(), BRIGHTNESS * brightness, 0.0)
    contrast = torch.where(transform.chosen(), torch.exp2(CONTRAST * contrast), 1.0)
    sign = torch.where(transform.chosen() & (flip < 0.5), -1.0, 1.0)
    hue = torch.where(transform.chosen(), (2 * hue - 1) * math.pi, 0.0)
    saturation = contrast * torch.where(transform.chosen(), torch.exp2(SATURATION * saturation), 1.0)
    along = sign * contrast  # what becomes of grey
    colours = 3 if transform.channels == 4 else transform.channels
    as_it_is = torch.eye(colours, device=transform.device)
    grey = torch.full((colours, colours), 1 / colours, device=transform.device)
    across = (as_it_is - grey) * (saturation * hue.cos() if colours == 3 else saturation)[:, None, None]
    matrix = grey * along[:, None, None] + across
    if colours == 3:
        about = (as_it_is.roll(1, 0) - as_it_is.roll(-1, 0)) / math.sqrt(3)  # v × …
        matrix = matrix + about * (saturation * hue.sin())[:, None, None]
    bias = (along * brightness)[:, None].expand(-1, colours)
    if transform.channels == 4:
        matrix, bias = _with_alpha(matrix, bias, along)
    transform.recolor(matrix, bias)


def _with_alpha(matrix: Tensor, bias: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """The same of colours s multiplied with alpha a in [0, 1]: their channels are a (s + 1) - 1, and the last is 2a - 1."""
    of_alpha = (bias + 1 - along[:, None]) / 2
    rows = torch.cat([matrix, of_alpha[:, :, None]], 2)
    alpha = torch.eye(4, device=matrix.device)[3:].expand(len(matrix), 1, 4)
    more = of_alpha + along[:, None] - 1
    return torch.cat([rows, alpha], 1), torch.cat([more, torch.zeros_like(more[:, :1])], 1)
