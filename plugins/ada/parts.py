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
    draws = transform.uniform(4)
    flip, turn, shifted = transform.chosen(3).unbind()
    flipped = _mirrored(flip & (draws[0] < 0.5))
    quarters = (4 * draws[1]).floor_().mul_(turn if transform.height == transform.width else 0)
    # Exactly 0, 1 and -1: pixels are copied then.
    cosine, sine = (quarters - 2).abs_().sub_(1), 1 - (quarters - 1).abs_()
    shift = _of_sides(transform, (draws[2:] - 0.5).mul_(2 * SHIFT)).round_().mul_(shifted)
    transform.warp(_map(flipped * cosine, -flipped * sine, sine, cosine, shift))


def geometry(transform: zoo.Transform) -> None:
    """Scaled, turned, stretched along one axis and compressed along the other, turned again, shifted.

    Two turns have the probability that together makes that of one; the direction of stretching is so any.
    """
    turns = (transform.uniform(2) - 0.5).mul_(2 * math.pi).mul_(transform.chosen(2, root=True))
    draws, chosen = transform.normal(4), transform.chosen(3)
    scale, stretch = (draws[:2] * SCALE).mul_(chosen[:2]).unbind()
    shift = _of_sides(transform, (draws[2:] * SHIFT).mul_(chosen[2]))
    # A turn, a stretch and another turn are a turn by both angles, and a mirror turned by their difference, in these shares.
    wide, high = torch.stack([scale + stretch, scale - stretch]).sub_(1).exp2_().unbind()
    shares = torch.stack([wide + high, wide - high])
    turn1, turn2 = turns.unbind()
    angles = torch.stack([turn1 + turn2, turn1 - turn2])
    (c1, c2), (s1, s2) = (shares * angles.cos()).unbind(), angles.sin_().mul_(shares).unbind()
    transform.warp(_map(c1 + c2, s2 - s1, s1 + s2, c1 - c2, shift))


def _of_sides(transform: zoo.Transform, shares: Tensor) -> Tensor:
    """Pixels of x and y (2, N) that are these shares of the sides, in their place."""
    if transform.width == transform.height:
        return shares.mul_(transform.width)
    shares[0].mul_(transform.width)
    shares[1].mul_(transform.height)
    return shares


def _mirrored(where: Tensor) -> Tensor:
    """-1 there, 1 elsewhere."""
    return (where * -2.0).add_(1)


def _map(a: Tensor, b: Tensor, c: Tensor, d: Tensor, shift: Tensor) -> Tensor:
    """(N, 2, 3): the matrix (a b; c d) of a position that was shifted by (x, y)."""
    x, y = shift.unbind()
    return torch.stack([a, b, torch.addcmul(a * x, b, y), c, d, torch.addcmul(c * x, d, y)], 1).view(-1, 2, 3)


def color(transform: zoo.Transform) -> None:
    """Other brightness and contrast, light for dark, another hue and saturation; grey images have the first three alone.

    With v the grey of length 1: brightness and contrast move along v, light for dark is a mirror across it, hue a turn about it and
    saturation a stretch away from it. Of four channels the last, alpha, stays as it is, and the colours, multiplied with it,
    become those of the straight ones that are changed.
    """
    flip, hue = transform.uniform(2).unbind()
    draws, chosen = transform.normal(3), transform.chosen(5)
    brightness, contrast, saturation = draws.mul_(chosen[:3]).unbind()
    contrast = torch.exp2(CONTRAST * contrast)
    along = contrast * _mirrored(chosen[3] & (flip < 0.5))  # what becomes of grey
    colours = 3 if transform.channels == 4 else transform.channels
    bias = (along * brightness).mul_(BRIGHTNESS)[:, None].expand(-1, colours)
    if colours == 1:
        matrix = along[:, None, None]
    else:
        saturation = contrast * torch.exp2(SATURATION * saturation)
        hue = (hue - 0.5).mul_(2 * math.pi).mul_(chosen[4]) if colours == 3 else torch.zeros_like(hue)
        matrix = _about_grey(along, saturation * hue.cos(), saturation * hue.sin(), colours)
    if transform.channels == 4:
        matrix, bias = _with_alpha(matrix, bias, along)
    transform.recolor(matrix, bias)


def _about_grey(along: Tensor, across: Tensor, about: Tensor, colours: int) -> Tensor:
    """(N, C, C): v vᵀ times `along`, what is left of the identity times `across`, and of three colours v × … times `about`."""
    other = (along - across) / colours
    if colours != 3:
        return other[:, None, None] + across[:, None, None] * torch.eye(colours, device=along.device)
    about = about / math.sqrt(3)
    same, before, after = other + across, other - about, other + about
    return torch.stack([same, before, after, after, same, before, before, after, same], 1).view(-1, 3, 3)


def _with_alpha(matrix: Tensor, bias: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """The same of colours s multiplied with alpha a in [0, 1]: their channels are a (s + 1) - 1, and the last is 2a - 1."""
    of_alpha = (bias + 1 - along[:, None]) / 2
    rows = torch.cat([matrix, of_alpha[:, :, None]], 2)
    alpha = torch.eye(4, device=matrix.device)[3:].expand(len(matrix), 1, 4)
    more = of_alpha + along[:, None] - 1
    return torch.cat([rows, alpha], 1), torch.cat([more, torch.zeros_like(more[:, :1])], 1)
