"""Batch normalisation and activation in one op."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.ops import autograd, checks, reference
from zoo.ops.codes import ACTIVATION_NAMES, ORDER_NAMES, activation_code, order_code
from zoo.ops.library import dispatch, offer

_OP = "batch_norm_act"


def batch_norm_act(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    activation: str = "identity",
    slope: float = 0.0,
    order: str = "norm_act",
    groups: int = 1,
) -> Tensor:
    """Normalises every channel to mean 0 and variance 1, scales and shifts it, and applies an activation.

    y = act((x - mean) / sqrt(var + eps) * weight + bias), after Ioffe & Szegedy 2015; with order "act_norm" the
    activation comes first and its output is normalised. Statistics are computed in float32 (float64 for float64)
    whatever the storage, also under autocast, which leaves x's dtype as it is.

    Args:
        x: (N, C) or (N, C, H, W), any strides; contiguous and channels_last memory is read as it lies, other memory is
            copied first.
        weight: (C,) or None for 1.
        bias: (C,) or None for 0.
        running_mean: (C,); updated in training as torch.nn.BatchNorm2d does, read in evaluation.
        running_var: (C,); likewise, with the unbiased variance.
        training: normalise with the statistics of the batch instead of the running ones.
        momentum: share of the new statistics in the running ones, in [0, 1].
        eps: added to the variance, 0 or more.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.
        order: "norm_act" or "act_norm".
        groups: the batch is that many equal consecutive parts; in training each has its own statistics, and the running
            ones take each part's in turn, exactly as separate passes would.

    Returns:
        A tensor of x's shape and dtype, in channels_last memory where x is, contiguous otherwise.

    Raises:
        ValueError: for shapes, devices or values that do not fit.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    activation_index = activation_code(activation, slope)
    order_index = order_code(order)
    _check(x, weight, bias, running_mean, running_var, training, eps, groups)
    y: Tensor = dispatch(_OP, x.device.type)(
        x, weight, bias, running_mean, running_var,
        (training, momentum, eps, activation_index, slope, order_index, groups),
    )  # fmt: skip
    return y


Optional = Tensor | None
_Options = tuple[bool, float, float, int, float, int, int]


def _reference(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, options: _Options) -> Tensor:
    training, momentum, eps, activation, slope, order, groups = options
    return reference.batch_norm_act(
        x, weight, bias, mean, var, training, momentum, eps,
        ACTIVATION_NAMES[activation], slope, ORDER_NAMES[order], groups,
    )  # fmt: skip


def _traced(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, options: _Options) -> Tensor:
    y: Tensor = torch.ops.zoo.batch_norm_act_forward(x, weight, bias, mean, var, *options)[0]
    return y


offer(_OP, _reference, _traced, autograd.batch_norm_act)


def _check(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    eps: float,
    groups: int,
) -> None:
    size, dtype, device = x.shape, x.dtype, x.device
    checks.input_rank(_OP, x)
    checks.floating(_OP, "x", x)
    channels = size[1:2]
    for name, t in (("weight", weight), ("bias", bias), ("running_mean", running_mean), ("running_var", running_var)):
        # The common case in one line: a call of a small layer is a matter of microseconds.
        if t is not None and (t.shape != channels or t.dtype != dtype or t.device != device):
            checks.per_channel(_OP, name, t, x)
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{_OP}: running_mean and running_var come together, or both are None")
    if not eps >= 0:
        raise ValueError(f"{_OP}: eps is {eps}; 0 or more is needed")
    if groups < 1 or size[0] % groups:
        raise ValueError(
            f"{_OP}: groups={groups} does not divide the batch of x of shape {checks.shape(x)} into equal parts; "
            f"{size[0]} images can be split by their divisors only"
        )
    if training:
        values = size[0] // groups if len(size) == 2 else size[0] // groups * size[2] * size[3]
        if values == 0 or size[1] == 0:
            raise ValueError(f"{_OP}: x has shape {checks.shape(x)}; there is nothing in it to take statistics of")
        if values == 1:
            raise ValueError(
                f"{_OP}: expected more than 1 value per channel when training, got x of shape {checks.shape(x)} "
                f"with groups={groups} (use a larger batch, or evaluation mode)"
            )
    elif running_mean is None:
        raise ValueError(f"{_OP}: evaluation mode needs running_mean and running_var; both are None")
