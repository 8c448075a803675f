"""Networks for a folder of photographs at 64×64, as a well-known tutorial builds them after DCGAN.

Both end in a sigmoid and work on images in [0, 1]; no convolution has a bias. The weights are drawn as PyTorch draws them.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

import zoo

KERNEL = 4


def generator(latent: int, width: int, channels: int) -> nn.Module:
    """Latents (N, latent) to images (N, channels, 64, 64) in [-1, 1]; `width` channels stand next to the image."""
    wide = (4 * width, 4 * width, 2 * width, width)
    layers: list[nn.Module] = [
        nn.Unflatten(1, (latent, 1, 1)),
        zoo.nn.ConvTranspose2dAct(latent, wide[0], KERNEL, bias=False),
        zoo.nn.BatchNormAct(wide[0], activation="relu"),
    ]
    for inputs, outputs in pairwise(wide):
        layers += [
            zoo.nn.ConvTranspose2dAct(inputs, outputs, KERNEL, 2, 1, bias=False),
            zoo.nn.BatchNormAct(outputs, activation="relu"),
        ]
    layers += [zoo.nn.ConvTranspose2dAct(width, channels, KERNEL, 2, 1, bias=False), nn.Sigmoid()]
    return nn.Sequential(*layers, zoo.nn.Rescale((0, 1), (-1, 1)))


def discriminator(width: int, channels: int) -> nn.Module:
    """Images (N, channels, 64, 64) in [-1, 1] to numbers (N,) in [0, 1]: least squares takes any number for a logit."""
    wide = (width, 2 * width, 4 * width, 4 * width)
    layers: list[nn.Module] = [
        zoo.nn.Rescale((-1, 1), (0, 1)),  # before the first convolution: the zeros around the image are black, not grey
        zoo.nn.Conv2dAct(channels, wide[0], KERNEL, 2, 1, bias=False, activation="leaky_relu", slope=0.2),
    ]
    for inputs, outputs in pairwise(wide):
        layers += [
            zoo.nn.Conv2dAct(inputs, outputs, KERNEL, 2, 1, bias=False),
            zoo.nn.BatchNormAct(outputs, activation="leaky_relu", slope=0.2),
        ]
    layers += [zoo.nn.Conv2dAct(wide[-1], 1, KERNEL, bias=False), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Flatten(0))
