"""A generator that enlarges and convolves, a discriminator that pools, tanh throughout: DCGAN's forerunner in many tutorials.

G: dense layers, then twice: every pixel becomes four, and a convolution smooths them. D: twice a convolution and the
largest of every four numbers, then dense layers. One batch normalisation, of the 7·7·128 numbers (at 28×28) that become
G's first planes. The sizes are multiples of 4; `width` 64 gives the layers as they were published.
"""

from __future__ import annotations

from torch import nn
from zoo_plugins.keras_defaults import batch_norm, glorot

import zoo

HIDDEN = 16
"""The hidden dense layers have this many times `width` units."""


def generator(latent: int, channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Latents (N, latent) to images (N, channels, *sides) in [-1, 1]."""
    rows, columns = (side // 4 for side in sides)
    numbers = 2 * width * rows * columns
    return nn.Sequential(
        zoo.nn.LinearAct(latent, HIDDEN * width, activation="tanh"),
        nn.Linear(HIDDEN * width, numbers),
        batch_norm(numbers, "tanh"),
        nn.Unflatten(1, (2 * width, rows, columns)),
        nn.Upsample(scale_factor=2),
        zoo.nn.Conv2dSame(2 * width, width, 5, activation="tanh"),
        nn.Upsample(scale_factor=2),
        zoo.nn.Conv2dSame(width, channels, 5, activation="tanh"),
    ).apply(glorot)


def discriminator(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Images (N, channels, *sides) to logits (N, 1). The second convolution takes the inside alone: no padding."""
    rows, columns = ((side // 2 - 4) // 2 for side in sides)
    return nn.Sequential(
        zoo.nn.Conv2dSame(channels, width, 5, activation="tanh"),
        nn.MaxPool2d(2),
        zoo.nn.Conv2dAct(width, 2 * width, 5, activation="tanh"),
        nn.MaxPool2d(2),
        nn.Flatten(),
        zoo.nn.LinearAct(2 * width * rows * columns, HIDDEN * width, activation="tanh"),
        nn.Linear(HIDDEN * width, 1),
    ).apply(glorot)
