"""Activations and their derivatives. At its kink a (leaky) ReLU has the derivative of its left side, as in torch."""

from __future__ import annotations

import numpy as np

from oracle.draws import Array


def activate(x: Array, activation: str, slope: float = 0.0) -> Array:
    """identity, relu, leaky_relu or tanh."""
    if activation == "identity":
        return x
    if activation == "tanh":
        return np.tanh(x)
    return np.where(x.real > 0, x, x * (slope if activation == "leaky_relu" else 0.0))


def derivative(x: Array, activation: str, slope: float = 0.0) -> Array:
    """Of the activation, at x."""
    if activation == "identity":
        return np.ones_like(x)
    if activation == "tanh":
        return 1.0 - np.tanh(x) ** 2
    return np.where(x.real > 0, 1.0, slope if activation == "leaky_relu" else 0.0)
