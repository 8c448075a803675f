"""DCGAN as it is often written for TensorFlow: kernel 5 and padding "same", biases, normalisation after the activation.

Twice as wide as the paper's, with a dense layer at either end: G goes 4×4×1024 → 512 → 256 → 128 → image, D goes image →
128 → 256 → 512 → 1024 → logit (`width` 128 at 64×64). The sizes are multiples of 16.

The document that this follows wires its last convolution to the second one's output, and then reads the third one: the last
never counts, and Keras leaves it out of the network. `discriminator` is the chain that must have been meant,
`discriminator_as_printed` the network that comes of it, which ends at the third convolution.
"""

from __future__ import annotations

from torch import nn
from zoo_plugins.keras_defaults import batch_norm

import zoo


def generator(latent: int, channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Latents (N, latent) to images (N, channels, *sides) in [-1, 1]."""
    (rows, columns), planes = (side // 16 for side in sides), 8 * width
    numbers = planes * rows * columns
    layers: list[nn.Module] = [
        nn.Linear(latent, numbers),
        batch_norm(numbers, "relu", order="act_norm"),
        nn.Unflatten(1, (planes, rows, columns)),
    ]
    for _ in range(3):
        layers += [
            zoo.nn.ConvTranspose2dSame(planes, planes // 2, 5, 2),
            batch_norm(planes // 2, "relu", order="act_norm"),
        ]
        planes //= 2
    layers += [zoo.nn.ConvTranspose2dSame(planes, channels, 5, 2, activation="tanh")]
    return nn.Sequential(*layers).apply(initialise)


def discriminator(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Images (N, channels, *sides) to logits (N, 1)."""
    return _discriminator(channels, sides, width, 4)


def discriminator_as_printed(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """Images (N, channels, *sides) to logits (N, 1), without the fourth convolution."""
    return _discriminator(channels, sides, width, 3)


def _discriminator(channels: int, sides: tuple[int, int], width: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = [zoo.nn.Conv2dSame(channels, width, 5, 2, activation="leaky_relu", slope=0.2)]
    planes = width
    for _ in range(convolutions - 1):
        layers += [
            zoo.nn.Conv2dSame(planes, 2 * planes, 5, 2),
            batch_norm(2 * planes, "leaky_relu", 0.2, order="act_norm"),
        ]
        planes *= 2
    rows, columns = (side // 2**convolutions for side in sides)
    layers += [nn.Flatten(), nn.Linear(planes * rows * columns, 1)]
    return nn.Sequential(*layers).apply(initialise)


def initialise(module: nn.Module) -> None:
    """N(0, 0.02) for dense layers and convolutions, zero biases."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
