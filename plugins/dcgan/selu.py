"""A short DCGAN of two convolutions each, with SELU (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515) in G.

G's first planes are normalised as they are, the next ones after their SELU. D drops 40 % of its numbers after each
convolution and normalises nothing. The sizes are multiples of 4; `width` 64 gives the layers as they were published.
"""

from __future__ import annotations

from torch import nn
from zoo_plugins.keras_defaults import batch_norm, glorot

import zoo

DROPPED = 0.4


def generator(latent: int, channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Latents (N, latent) to images (N, channels, *sides) in [-1, 1]."""
    rows, columns = (side // 4 for side in sides)
    return nn.Sequential(
        nn.Linear(latent, 2 * width * rows * columns),
        nn.Unflatten(1, (2 * width, rows, columns)),
        batch_norm(2 * width),
        zoo.nn.ConvTranspose2dSame(2 * width, width, 5, 2),
        nn.SELU(),
        batch_norm(width),
        zoo.nn.ConvTranspose2dSame(width, channels, 5, 2, activation="tanh"),
    ).apply(glorot)


def discriminator(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Images (N, channels, *sides) to logits (N, 1)."""
    rows, columns = (side // 4 for side in sides)
    return nn.Sequential(
        zoo.nn.Conv2dSame(channels, width, 5, 2, activation="leaky_relu", slope=0.2),
        nn.Dropout(DROPPED),
        zoo.nn.Conv2dSame(width, 2 * width, 5, 2, activation="leaky_relu", slope=0.2),
        nn.Dropout(DROPPED),
        nn.Flatten(),
        nn.Linear(2 * width * rows * columns, 1),
    ).apply(glorot)
