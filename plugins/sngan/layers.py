"""What the networks are made of: layers with the authors' first weights, and in D with their spectral norm."""

from __future__ import annotations

from math import sqrt
from typing import Any

from torch import Tensor, nn

import zoo

RESIDUAL = sqrt(2)
"""By how much the convolutions of a residual branch begin larger than Glorot's, for its ReLUs."""


def convolution(inputs: int, outputs: int, kernel: int = 3, gain: float = 1.0, **more: Any) -> zoo.nn.Conv2dAct:
    """One that keeps the image's size, its weights uniform after Glorot & Bengio (2010) times `gain`, its bias 0."""
    layer = zoo.nn.Conv2dAct(inputs, outputs, kernel, padding=kernel // 2, **more)
    nn.init.xavier_uniform_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def dense(inputs: int, outputs: int, bias: bool = True) -> zoo.nn.LinearAct:
    """A dense layer, begun in the same way."""
    layer = zoo.nn.LinearAct(inputs, outputs, bias)
    nn.init.xavier_uniform_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def enlarged(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, 2H, 2W): every pixel four times."""
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")


def halved(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, H / 2, W / 2): the mean of four pixels."""
    return nn.functional.avg_pool2d(x, 2)
