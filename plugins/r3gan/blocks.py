"""What both of R3GAN's networks are made of: residual blocks, the ends at the smallest size, and first weights.

Nothing is normalised. What keeps the numbers in range instead are the first weights (Fix-Up, Zhang et al. 2019,
https://arxiv.org/abs/1901.09321): the last layer of each block begins at zero, so that a block begins as the identity, and the
others are the smaller the more blocks there are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import zoo

SLOPE = 0.2
"""Of leaky ReLU below zero."""

GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""What leaky ReLU takes from the standard deviation of its input (He et al. 2015, https://arxiv.org/abs/1502.01852)."""

LAYERS = 3
"""Convolutions of a block."""


def msr(weight: Tensor, gain: float = 1.0) -> None:
    """First weights from N(0, gain² / inputs of each unit) (He et al. 2015), in place."""
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))


def convolution(inputs: int, outputs: int) -> zoo.nn.Conv2dAct:
    """A 1×1 convolution without bias or activation: from the image, to the image, and from width to width."""
    layer = zoo.nn.Conv2dAct(inputs, outputs, 1, bias=False)
    msr(layer.weight)
    return layer


class ResidualBlock(nn.Module):
    """x + 1×1(grouped 3×3(1×1(x))), the inner two with bias and leaky ReLU: an inverted bottleneck (section 4.2 of the paper).

    Args:
        channels: of x.
        expansion: the inner layers have so many times as many channels.
        groups: of the 3×3 convolution.
        depth: blocks of the whole network, by which first weights are scaled.
    """

    def __init__(self, channels: int, expansion: int, groups: int, depth: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = zoo.nn.Conv2dAct(channels, inner, 1, activation="leaky_relu", slope=SLOPE)
        self.mix = zoo.nn.Conv2dAct(inner, inner, 3, padding=1, groups=groups, activation="leaky_relu", slope=SLOPE)
        self.project = zoo.nn.Conv2dAct(inner, channels, 1, bias=False)
        for layer in (self.expand, self.mix):
            msr(layer.weight, GAIN * depth ** (-1 / (2 * LAYERS - 2)))
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.project.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        y: Tensor = x + self.project(self.mix(self.expand(x)))
        return y


class GenerativeBasis(nn.Module):
    """Latents (N, L) to the first planes (N, C, *sides): learned planes, each as strong as a linear layer of the latent says."""

    def __init__(self, latent: int, channels: int, sides: tuple[int, int]) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, *sides))
        self.linear = nn.Linear(latent, channels, bias=False)
        msr(self.linear.weight)

    def forward(self, latents: Tensor) -> Tensor:
        """(N, L) to (N, C, *sides)."""
        planes: Tensor = self.basis * self.linear(latents)[:, :, None, None]
        return planes


class DiscriminativeBasis(nn.Module):
    """The last planes (N, C, *sides) to numbers (N, K): each plane weighed by one of its own, and a linear layer of the sums."""

    def __init__(self, channels: int, outputs: int, sides: tuple[int, int]) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.empty(channels, *sides))
        self.linear = nn.Linear(channels, outputs, bias=False)
        msr(self.basis)
        msr(self.linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, *sides) to (N, K)."""
        found: Tensor = self.linear((x * self.basis).sum((2, 3)))
        return found


class Labels(nn.Module):
    """Labels (N,) to vectors (N, K): a learned one for each class, as a linear layer of its one-hot vector."""

    def __init__(self, classes: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.classes = classes
        self.linear = nn.Linear(classes, outputs, bias=False)
        msr(self.linear.weight, gain)

    def forward(self, labels: Tensor) -> Tensor:
        """(N,) to (N, K)."""
        weight = self.linear.weight
        found: Tensor = self.linear(nn.functional.one_hot(labels, self.classes).to(weight.dtype))
        return found
