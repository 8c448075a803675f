"""The dense networks with SELU (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515), which see images in [0, 1]."""

from __future__ import annotations

from torch import nn
from zoo_plugins.keras_defaults import glorot

import zoo

NEAR, FAR = 150, 100
"""Units of the hidden layers: next to the image, and further away."""


def generator(latent: int, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1]."""
    return nn.Sequential(
        nn.Linear(latent, FAR),
        nn.SELU(),
        nn.Linear(FAR, NEAR),
        nn.SELU(),
        nn.Linear(NEAR, data.numel),
        nn.Sigmoid(),
        zoo.nn.Rescale((0, 1), (-1, 1)),
        nn.Unflatten(1, data.shape),
    ).apply(glorot)


def discriminator(data: zoo.DataSpec) -> nn.Module:
    """Images (N, C, H, W) in [-1, 1] to logits (N, 1)."""
    return nn.Sequential(
        zoo.nn.Rescale((-1, 1), (0, 1)),
        nn.Flatten(),
        nn.Linear(data.numel, NEAR),
        nn.SELU(),
        nn.Linear(NEAR, FAR),
        nn.SELU(),
        nn.Linear(FAR, 1),
    ).apply(glorot)
