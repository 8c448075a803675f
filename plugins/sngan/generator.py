"""The residual generators: Miyato et al. 2018 (https://arxiv.org/abs/1802.05957), tables 4 to 6, and, where there are classes, with
class-conditional batch normalisation as in Miyato & Koyama 2018 (https://arxiv.org/abs/1802.05637).

That for 64×64 is in no table; it is the one in the code which the authors published.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from zoo_plugins.sngan.layers import RESIDUAL, convolution, dense, enlarged

import zoo

LAYOUT: dict[int, tuple[int, tuple[int, ...]]] = {
    32: (4, (4, 4, 4, 4)),
    48: (6, (8, 4, 2, 1)),
    64: (4, (16, 8, 4, 2, 1)),
    128: (4, (16, 16, 8, 4, 2, 1)),
}
"""By image size: the size of the first planes, and the channels, as multiples of `width`, of these and behind each block."""


class Generator(nn.Module):
    """Latents (N, latent), and labels (N,) where there are classes, to images (N, channels, size, size) in [-1, 1]."""

    def __init__(self, latent: int, width: int, channels: int, size: int, classes: int = 0) -> None:
        super().__init__()
        side, multiples = LAYOUT[size]
        wide = [width * multiple for multiple in multiples]
        self.begin = nn.Sequential(dense(latent, wide[0] * side * side), nn.Unflatten(1, (wide[0], side, side)))
        self.blocks = nn.ModuleList(GeneratorBlock(*sides, classes) for sides in pairwise(wide))
        self.end = nn.Sequential(
            zoo.nn.BatchNormAct(wide[-1], activation="relu"), convolution(wide[-1], channels, activation="tanh")
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        x = self.begin(latents)
        for block in self.blocks:
            x = block(x, labels)
        images: Tensor = self.end(x)
        return images


class GeneratorBlock(nn.Module):
    """Twice as large: normalise, ReLU, enlarge, convolve, normalise, ReLU, convolve, beside a shortcut.

    The shortcut convolves with a kernel of one pixel before it enlarges, which gives what the other order gives at a quarter of
    the work.
    """

    def __init__(self, inputs: int, outputs: int, classes: int) -> None:
        super().__init__()
        self.norm1 = _norm(inputs, classes)
        self.conv1 = convolution(inputs, outputs, gain=RESIDUAL)
        self.norm2 = _norm(outputs, classes)
        self.conv2 = convolution(outputs, outputs, gain=RESIDUAL)
        self.shortcut = convolution(inputs, outputs, 1)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        by_class = () if labels is None else (labels,)
        y = self.conv1(enlarged(self.norm1(x, *by_class)))
        y = self.conv2(self.norm2(y, *by_class))
        found: Tensor = y + enlarged(self.shortcut(x))
        return found


def _norm(channels: int, classes: int) -> nn.Module:
    if classes:
        return zoo.nn.ConditionalBatchNormAct(channels, classes, activation="relu")
    return zoo.nn.BatchNormAct(channels, activation="relu")
