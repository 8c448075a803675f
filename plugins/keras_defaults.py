"""What Keras does where nothing else is said: for the networks that were written for it."""

from __future__ import annotations

from torch import nn

import zoo


def batch_norm(
    channels: int, activation: str = "identity", slope: float = 0.0, order: str = "norm_act", momentum: float = 0.99
) -> zoo.nn.BatchNormAct:
    """Keras' batch normalisation. Its `momentum` is the share that the running statistics keep: torch's from the other end."""
    return zoo.nn.BatchNormAct(channels, activation, slope, order, momentum=1 - momentum, eps=1e-3, unbiased=False)


def glorot(module: nn.Module) -> None:
    """Uniform weights (Glorot & Bengio 2010) and zero biases, for dense layers and convolutions."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
