"""The convolutional networks: DCGAN's shape, with layer normalisation in place of batch normalisation in the critic."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn

import zoo


def generator(options: Any, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1]: batch normalisation and ReLU, then tanh."""
    first, widths = plan(data.height, options.width)
    wide = widths[0]
    layers: list[nn.Module] = [
        nn.Linear(options.latent, wide * first * first, bias=False),
        nn.Unflatten(1, (wide, first, first)),
        zoo.nn.BatchNormAct(wide, activation="relu"),
    ]
    for inputs, outputs in pairwise(widths):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
            zoo.nn.BatchNormAct(outputs, activation="relu"),
        ]
    layers.append(zoo.nn.ConvTranspose2dAct(widths[-1], data.channels, 4, 2, 1, activation="tanh"))
    return nn.Sequential(*layers)


def critic(options: Any, data: zoo.DataSpec) -> nn.Module:
    """Images (N, C, H, W) in [-1, 1] to numbers (N, 1), of any size: a critic's outputs are no probabilities."""
    last, widths = plan(data.height, options.width)
    layers: list[nn.Module] = [zoo.nn.Conv2dAct(data.channels, widths[-1], 4, 2, 1, activation="leaky_relu", slope=0.2)]
    for inputs, outputs in pairwise(reversed(widths)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), normalisation(options, outputs), nn.LeakyReLU(0.2)]
    end = nn.Linear(widths[0] * last * last, 1, bias=False)  # only differences of D count: a bias would never learn
    return nn.Sequential(*layers, nn.Flatten(), end)


def normalisation(options: Any, channels: int) -> nn.Module:
    """Layer normalisation over (C, H, W) with a weight and a bias for each channel, which is a group norm of one group.

    Not batch normalisation: the penalty is on the slope of D at each image by itself, and where the images of a batch are
    normalised together, D(x) is no function of x alone (section 4 of the paper).
    """
    return {"layer": nn.GroupNorm(1, channels), "none": nn.Identity()}[options.critic_norm]


def plan(side: int, width: int) -> tuple[int, list[int]]:
    """The side of the smallest feature maps, 4 or 7, and the channels from there to the image: 28 is (7, [2 · width, width])."""
    widths: list[int] = []
    while side > 7:
        side //= 2
        widths.insert(0, width * 2 ** len(widths))
    return side, widths
