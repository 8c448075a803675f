"""The convolutional networks of Miyato et al. 2018 (https://arxiv.org/abs/1802.05957), table 3.

Word for word: no normalisation or ReLU stands between G's dense layer and its first transposed convolution. The table is for
32×32 and 48×48, whose first planes are 4×4 and 6×6; other sizes follow the same rule, an eighth of the image. Weights begin as
N(0, 0.02).
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

import zoo

SLOPE = 0.1


def generator(latent: int, width: int, channels: int, size: int) -> nn.Sequential:
    """Latents (N, latent) to images (N, channels, size, size) in [-1, 1]."""
    side = size // 8
    wide = [8 * width, 4 * width, 2 * width, width]
    layers: list[nn.Module] = [
        zoo.nn.LinearAct(latent, wide[0] * side * side),
        nn.Unflatten(1, (wide[0], side, side)),
    ]
    for inputs, outputs in pairwise(wide):
        layers += [
            zoo.nn.ConvTranspose2dAct(inputs, outputs, 4, 2, 1),
            zoo.nn.BatchNormAct(outputs, activation="relu"),
        ]
    layers += [zoo.nn.Conv2dAct(width, channels, 3, 1, 1, activation="tanh")]
    return nn.Sequential(*layers).apply(initialise)


def discriminator(width: int, channels: int, size: int) -> nn.Sequential:
    """Images (N, channels, size, size) to logits (N,); every weight is divided by its spectral norm."""
    layers: list[nn.Module] = []
    inputs = channels
    for outputs in (width, 2 * width, 4 * width):
        layers += [
            zoo.nn.Conv2dAct(inputs, outputs, 3, 1, 1, activation="leaky_relu", slope=SLOPE),
            zoo.nn.Conv2dAct(outputs, outputs, 4, 2, 1, activation="leaky_relu", slope=SLOPE),
        ]
        inputs = outputs
    layers += [
        zoo.nn.Conv2dAct(inputs, 8 * width, 3, 1, 1, activation="leaky_relu", slope=SLOPE),
        nn.Flatten(),
        zoo.nn.LinearAct(8 * width * (size // 8) ** 2, 1),
    ]
    for layer in layers:
        initialise(layer)
        if not isinstance(layer, nn.Flatten):
            zoo.nn.spectral_norm(layer)
    return nn.Sequential(*layers, nn.Flatten(0))


def initialise(module: nn.Module) -> None:
    """N(0, 0.02) for the weights of all layers but normalisation, zero biases."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
