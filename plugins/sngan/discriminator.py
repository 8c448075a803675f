"""The residual discriminators: Miyato et al. 2018 (https://arxiv.org/abs/1802.05957), tables 4 to 6, and, where there are classes,
the projection discriminator of Miyato & Koyama 2018 (https://arxiv.org/abs/1802.05637).

Where tables say nothing, the code which the authors published does: hidden channels of a block, where the first block pools, the
network for 64×64, and that the last layer has no bias at 32×32.
"""

from __future__ import annotations

from torch import Tensor, nn
from zoo_plugins.sngan.layers import RESIDUAL, convolution, dense, halved

import zoo

LAYOUT: dict[int, tuple[tuple[int, bool], ...]] = {
    32: ((2, True), (2, True), (2, False), (2, False)),
    48: ((1, True), (2, True), (4, True), (8, True), (16, False)),
    64: ((1, True), (2, True), (4, True), (8, True), (16, True)),
    128: ((1, True), (2, True), (4, True), (8, True), (16, True), (16, False)),
}
"""By image size, for each block: the channels behind it, as multiples of `width`, and whether it halves the size."""


class Discriminator(nn.Module):
    """Images (N, channels, size, size), and labels (N,) where there are classes, to logits (N,).

    The last block is summed over all positions; the logit is a weighted sum of that, and the inner product of it with a vector of
    the label's. Every weight is divided by its spectral norm.
    """

    def __init__(self, width: int, channels: int, size: int, classes: int = 0) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for multiple, halves in LAYOUT[size]:
            inputs, channels = channels, width * multiple
            block = DiscriminatorBlock(inputs, channels, halves) if blocks else FirstBlock(inputs, channels)
            blocks.append(block)
        self.blocks = nn.Sequential(*blocks)
        self.logit = zoo.nn.spectral_norm(dense(channels, 1, bias=size != 32))
        self.of_label: nn.Module | None = None
        if classes:
            vectors = nn.Embedding(classes, channels)
            nn.init.xavier_uniform_(vectors.weight)
            self.of_label = zoo.nn.spectral_norm(vectors)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        x = nn.functional.relu(self.blocks(images)).sum((2, 3))
        logits: Tensor = self.logit(x).flatten()
        if self.of_label is not None:
            logits = logits + (self.of_label(labels) * x).sum(1)
        return logits


class DiscriminatorBlock(nn.Module):
    """ReLU, convolve, ReLU, convolve, and halve if asked for, beside a shortcut; which is a convolution where anything changes.

    It has a kernel of one pixel, and comes after the halving: the same as before it, at a quarter of the work.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.conv1 = zoo.nn.spectral_norm(convolution(inputs, inputs, gain=RESIDUAL, activation="relu"))
        self.conv2 = zoo.nn.spectral_norm(convolution(inputs, outputs, gain=RESIDUAL))
        changes = halves or inputs != outputs
        self.shortcut = zoo.nn.spectral_norm(convolution(inputs, outputs, 1)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(nn.functional.relu(x)))
        if self.halves:
            y, x = halved(y), halved(x)
        found: Tensor = y + self.shortcut(x)
        return found


class FirstBlock(nn.Module):
    """The block at the image, which has no ReLU before its first convolution, and always halves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = zoo.nn.spectral_norm(convolution(inputs, outputs, gain=RESIDUAL, activation="relu"))
        self.conv2 = zoo.nn.spectral_norm(convolution(outputs, outputs, gain=RESIDUAL))
        self.shortcut = zoo.nn.spectral_norm(convolution(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = halved(self.conv2(self.conv1(x))) + self.shortcut(halved(x))
        return y
