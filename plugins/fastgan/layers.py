"""What both networks are made of. Convolutions have no bias, and spectral normalisation keeps each of them from growing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import zoo

SLOPE = 0.2
"""Of leaky ReLU."""


def convolution(*arguments: Any, **keywords: Any) -> nn.Module:
    """`zoo.nn.Conv2dAct` without bias, with weights from N(0, 0.02), which are divided by their largest singular value."""
    return _normalised(zoo.nn.Conv2dAct(*arguments, bias=False, **keywords))


def transposed_convolution(*arguments: Any, **keywords: Any) -> nn.Module:
    """`zoo.nn.ConvTranspose2dAct` likewise."""
    return _normalised(zoo.nn.ConvTranspose2dAct(*arguments, bias=False, **keywords))


def up_convolution(inputs: int, outputs: int) -> nn.Module:
    """`zoo.nn.UpsampleConv2d` likewise."""
    return _normalised(zoo.nn.UpsampleConv2d(inputs, outputs, bias=False))


def _normalised(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    nn.init.normal_(layer.weight, 0.0, 0.02)
    return zoo.nn.spectral_norm(layer)


def batch_norm(channels: int, activation: str = "identity") -> zoo.nn.BatchNormAct:
    """Batch normalisation with weights from N(1, 0.02)."""
    layer = zoo.nn.BatchNormAct(channels, activation=activation, slope=SLOPE if activation == "leaky_relu" else 0.0)
    nn.init.normal_(layer.weight, 1.0, 0.02)
    return layer


class GLU(nn.Module):
    """A gated linear unit: half of the channels, times the sigmoid of the other half. Keeps the layout, as `nn.GLU` does not."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2C, H, W) to (N, C, H, W)."""
        values, gates = x.chunk(2, 1)
        return values * torch.sigmoid(gates)


class Noise(nn.Module):
    """Adds noise, one number for each pixel of each image, times a learned weight that begins at zero.

    In training mode it is drawn by torch's default generator; in evaluation mode it is always the same, so that a latent has one
    picture, whatever it is drawn with.
    """

    fixed: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("fixed", torch.randn(1, 1, side, side))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, side, side) to the same."""
        noise = torch.randn(len(x), *self.fixed.shape[1:], device=x.device) if self.training else self.fixed
        return x + (self.weight * noise).to(x.dtype)


class SkipLayerExcitation(nn.Module):
    """Scales the channels of large planes by what small ones, of earlier or later layers, hold (section 3.1).

    A number in (0, 1) for each channel: the mean over 4×4 fields, a convolution of them, SiLU, a dense layer, a sigmoid.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        """`inputs`: channels of what is looked at; `outputs`: of what is scaled."""
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            convolution(inputs, outputs, 4),
            nn.SiLU(),
            convolution(outputs, outputs, 1),
            nn.Sigmoid(),
        )

    def forward(self, seen: Tensor, scaled: Tensor) -> Tensor:
        """Planes (N, inputs, h, w) and (N, outputs, H, W) to (N, outputs, H, W)."""
        y: Tensor = scaled * self.gate(seen)
        return y


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """Planes twice as large: each pixel four times, a convolution, batch normalisation, a gated linear unit."""
    return nn.Sequential(up_convolution(inputs, 2 * outputs), batch_norm(2 * outputs), GLU())


def noisy_up_block(inputs: int, outputs: int, side: int) -> nn.Sequential:
    """The same with a second convolution, and noise behind both. `side`: of what comes out."""
    layers: list[nn.Module] = []
    for convolve in (up_convolution(inputs, 2 * outputs), convolution(outputs, 2 * outputs, 3, 1, 1)):
        layers += [convolve, Noise(side), batch_norm(2 * outputs), GLU()]
    return nn.Sequential(*layers)
