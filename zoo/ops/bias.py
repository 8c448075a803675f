"""Bias and activation in one op."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.ops import autograd, checks, reference
from zoo.ops.codes import ACTIVATION_NAMES, activation_code
from zoo.ops.library import dispatch, offer

_OP = "bias_act"


def bias_act(x: Tensor, bias: Tensor | None, activation: str = "identity", slope: float = 0.0) -> Tensor:
    """activation(x + bias), the bias along dimension 1.

    The result has x's dtype; a float32 bias beside a 16-bit x (what autocast makes of a layer) is added in float32.

    Args:
        x: (N, C) or (N, C, H, W), any strides.
        bias: (C,) or None for 0.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Returns:
        A new tensor of x's shape and dtype, in channels_last memory where x is, contiguous otherwise.

    Raises:
        ValueError: for shapes, devices or values that do not fit.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    code = activation_code(activation, slope)
    checks.input_rank(_OP, x)
    checks.floating(_OP, "x", x)
    if bias is not None:
        checks.per_channel(_OP, "bias", bias, x)
    y: Tensor = dispatch(_OP, x.device.type)(x, bias, code, slope)
    return y


def _reference(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    return reference.bias_act(x, bias, ACTIVATION_NAMES[activation], slope)


def _traced(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    y: Tensor = torch.ops.zoo.bias_act_forward(x, bias, activation, slope)
    return y


offer(_OP, _reference, _traced, autograd.bias_act)
