"""The dense networks, and how Keras would have initialised them."""

from __future__ import annotations

from torch import nn

import zoo


def generator(latent: int, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1]: dense layers of 256, 512 and 1024, each normalised after its
    activation."""
    layers: list[nn.Module] = []
    inputs = latent
    for units in (256, 512, 1024):
        normalise = zoo.nn.BatchNormAct(
            units, activation="leaky_relu", slope=0.2, order="act_norm", momentum=0.2, eps=1e-3
        )
        layers += [nn.Linear(inputs, units), normalise]
        inputs = units
    layers += [zoo.nn.LinearAct(inputs, data.numel, activation="tanh"), nn.Unflatten(1, data.shape)]
    return nn.Sequential(*layers).apply(_initialise)


def discriminator(data: zoo.DataSpec) -> nn.Module:
    """Images (N, C, H, W) to logits (N, 1): as many units as there are numbers in an image, then half as many, then one."""
    return nn.Sequential(
        nn.Flatten(),
        zoo.nn.LinearAct(data.numel, data.numel, activation="leaky_relu", slope=0.2),
        zoo.nn.LinearAct(data.numel, data.numel // 2, activation="leaky_relu", slope=0.2),
        nn.Linear(data.numel // 2, 1),
    ).apply(_initialise)


def _initialise(module: nn.Module) -> None:
    """Glorot & Bengio's uniform weights and zero biases, which are Keras' defaults."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
