"""What lets a discriminator see how much the images of a batch differ from each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from zoo.nn.groups import OfGroups

EPSILON = 1e-8
"""Added to the variance, so that its root has a gradient where images are alike (StyleGAN2's)."""


class MinibatchStdDev(nn.Module, OfGroups):
    """Adds channels that tell by how much the images of a group differ (Karras et al. 2018, https://arxiv.org/abs/1710.10196).

    As in StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958): the batch falls into groups; in each the standard
    deviation over its images, √(variance of n numbers + 1e-8), is taken of every feature and averaged over all positions and
    C / `channels` features at a time, which gives `channels` planes that all images of the group share. G cannot make them what
    they are for real images while it draws one image again and again.

    Of N images there are ⌊N / group_size⌋ groups, or one where N is less: image i belongs to group i modulo that. Where N is no
    multiple, groups differ by one image: they hold `group_size` images or more, and fewer only where the batch does. The statistic
    of one image alone is 1e-4. Training and evaluation mode are alike.

    Real images and fakes that `zoo train` shows D in one pass never share a group; with ``--joined``, which makes them one batch,
    they do.

    Args:
        group_size: images of a group, 1 or more.
        channels: planes added, 1 or more; a divisor of C.

    Raises:
        ValueError: for numbers that do not fit.
    """

    def __init__(self, group_size: int = 4, channels: int = 1) -> None:
        super().__init__()
        for name, value in (("group_size", group_size), ("channels", channels)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; a whole number of 1 or more is needed")
        self.group_size = group_size
        self.channels = channels

    def forward(self, x: Tensor, groups: int | None = None) -> Tensor:
        """Adds the channels.

        Args:
            x: (N, C, H, W), or (N, C).
            groups: equal consecutive parts of the batch, of which each is a batch of its own, as in separate calls; by default one.

        Returns:
            (N, C + channels, H, W), or (N, C + channels).

        Raises:
            ValueError: where C is no multiple of `channels`, N none of `groups`, or x has another number of dimensions.
        """
        parts = self._groups if groups is None else groups
        if x.dim() not in (2, 4):
            raise ValueError(f"x has the shape {tuple(x.shape)}; (N, C, H, W) or (N, C) is needed")
        if x.shape[1] % self.channels:
            raise ValueError(f"x has {x.shape[1]} channels, which is no multiple of the {self.channels} to be added")
        if len(x) % parts:
            raise ValueError(f"a batch of {len(x)} cannot be split into {parts} equal parts")
        statistics = torch.cat([self._statistics(part) for part in x.chunk(parts)])
        planes = statistics.reshape(len(x), self.channels, *(1 for _ in x.shape[2:]))
        return torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1)

    def _statistics(self, x: Tensor) -> Tensor:
        """Of one batch (n, C, …): (n, channels)."""
        count = len(x)
        groups = max(1, count // self.group_size)
        rows = -(-count // groups)  # images of the largest groups; image i is in row i // groups, column i % groups
        filled = F.pad(x.flatten(1), (0, 0, 0, rows * groups - count)).reshape(rows, groups, -1)
        there = (torch.arange(rows * groups, device=x.device) < count).to(x.dtype).reshape(rows, groups, 1)
        sizes = there.sum(0)
        difference = (filled - filled.sum(0) / sizes) * there
        deviation = (difference.square().sum(0) / sizes + EPSILON).sqrt()
        means = deviation.reshape(groups, self.channels, -1).mean(2)
        return means.repeat(rows, 1)[:count]

    def extra_repr(self) -> str:
        return f"group_size={self.group_size}, channels={self.channels}"
