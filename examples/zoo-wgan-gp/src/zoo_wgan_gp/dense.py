"""The dense networks of the paper's toy experiments: three hidden layers with ReLU in each network."""

from __future__ import annotations

from typing import Any

from torch import nn

import zoo

LAYERS = 3


def generator(options: Any, data: zoo.DataSpec) -> nn.Module:
    """Latents (N, latent) to points or images (N, C, H, W) in [-1, 1]; the paper's ends without tanh."""
    end = zoo.nn.LinearAct(options.width, data.numel, activation="tanh")
    return nn.Sequential(*hidden(options.latent, options.width), end, nn.Unflatten(1, data.shape))


def critic(options: Any, data: zoo.DataSpec) -> nn.Module:
    """Points or images (N, C, H, W) to numbers (N, 1)."""
    return nn.Sequential(nn.Flatten(), *hidden(data.numel, options.width), nn.Linear(options.width, 1, bias=False))


def hidden(inputs: int, width: int) -> list[nn.Module]:
    """(N, inputs) to (N, width)."""
    sizes = [inputs, *[width] * (LAYERS - 1)]
    return [zoo.nn.LinearAct(size, width, activation="relu") for size in sizes]
