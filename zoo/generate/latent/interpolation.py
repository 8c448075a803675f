"""Ways between latents: straight lines, and arcs."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.generate.request import check_way


def interpolate(latents: Tensor, frames: int, spherical: bool) -> Tensor:
    """The way from each latent to the next: (k, size) to ((k - 1) · (frames - 1) + 1, size), float32.

    `frames` latents from one to the next, both ends included, evenly spaced; the ends are the latents given, bit for
    bit. `spherical`: along the arc between the two directions, while the length changes evenly from the one's to the
    other's (after White 2016, https://arxiv.org/abs/1609.04468); else along the straight line. Latents of a normal
    distribution lie near a sphere, of radius √size, and a straight line passes far inside it, where the generator has
    seen next to nothing; uniform ones fill a cube, which no straight line leaves.

    Raises OptionError for fewer than two latents or two frames.
    """
    check_way(len(latents), frames)
    share = torch.linspace(0, 1, frames, dtype=torch.float64)[:, None]
    between = _arc if spherical else torch.lerp
    pieces = []
    for start, end in zip(latents[:-1].double(), latents[1:].double(), strict=True):
        pieces.append(between(start[None], end[None], share)[1:-1].float())
        pieces.append(end[None].float())
    return torch.cat([latents[:1].float(), *pieces])


def nearest_end(count: int, frames: int) -> Tensor:
    """For each step of that way between `count` latents, the index of the nearest latent (of two, the earlier): int64."""
    place = torch.arange((count - 1) * (frames - 1) + 1)
    return (2 * place + frames - 2) // (2 * (frames - 1))


def _arc(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """From (1, size) to (1, size), at the shares (f, 1) of the way, in float64."""
    lengths = start.norm(), end.norm()
    if min(lengths) == 0:
        return torch.lerp(start, end, share)
    a, b = start / lengths[0], end / lengths[1]
    angle = 2 * torch.atan2(
        (a - b).norm(), (a + b).norm()
    )  # accurate for small and for large angles, unlike acos(a · b)
    if torch.sin(angle) < 1e-6:  # the same direction, or opposite ones, between which no arc is the shortest
        return torch.lerp(start, end, share)
    direction = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    way: Tensor = direction * torch.lerp(lengths[0], lengths[1], share)
    return way
