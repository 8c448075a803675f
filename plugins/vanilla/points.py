"""Dense networks for points on a line or in the plane, where the size of an image has nothing to say about their width."""

from __future__ import annotations

from torch import nn

import zoo

UNITS = 128
LAYERS = 3


def generator(latent: int, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to points (N, 1, 1, d): three hidden layers of 128, ReLU, then tanh."""
    layers: list[nn.Module] = []
    for inputs in [latent, *[UNITS] * (LAYERS - 1)]:
        layers.append(zoo.nn.LinearAct(inputs, UNITS, activation="relu"))
    layers += [zoo.nn.LinearAct(UNITS, data.numel, activation="tanh"), nn.Unflatten(1, data.shape)]
    return nn.Sequential(*layers).apply(_initialise)


def discriminator(data: zoo.DataSpec) -> nn.Module:
    """Points (N, 1, 1, d) to logits (N, 1): three hidden layers of 128, leaky ReLU."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs in [data.numel, *[UNITS] * (LAYERS - 1)]:
        layers.append(zoo.nn.LinearAct(inputs, UNITS, activation="leaky_relu", slope=0.2))
    layers.append(nn.Linear(UNITS, 1))
    return nn.Sequential(*layers).apply(_initialise)


def _initialise(module: nn.Module) -> None:
    """He et al.'s weights for rectifiers: a signal keeps its size through the layers."""
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, a=0.2)
        nn.init.zeros_(module.bias)
