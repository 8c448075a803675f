"""The dense networks with leaky ReLU, each of G's hidden layers normalised after its activation."""

from __future__ import annotations

from torch import nn
from zoo_plugins.keras_defaults import batch_norm, glorot

import zoo


def generator(latent: int, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1]: dense layers of 256, 512 and 1024, each normalised after its
    activation."""
    layers: list[nn.Module] = []
    inputs = latent
    for units in (256, 512, 1024):
        normalise = batch_norm(units, "leaky_relu", 0.2, order="act_norm", momentum=0.8)
        layers += [zoo.nn.LinearAct(inputs, units), normalise]
        inputs = units
    layers += [zoo.nn.LinearAct(inputs, data.numel, activation="tanh"), nn.Unflatten(1, data.shape)]
    return nn.Sequential(*layers).apply(glorot)


def discriminator(data: zoo.DataSpec) -> nn.Module:
    """Images (N, C, H, W) to logits (N, 1): as many units as there are numbers in an image, then half as many, then one."""
    half = max(1, data.numel // 2)  # a point on a line is one number
    return nn.Sequential(
        nn.Flatten(),
        zoo.nn.LinearAct(data.numel, data.numel, activation="leaky_relu", slope=0.2),
        zoo.nn.LinearAct(data.numel, half, activation="leaky_relu", slope=0.2),
        nn.Linear(half, 1),
    ).apply(glorot)
