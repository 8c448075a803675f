"""Batch normalisation and activation in one op."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, differentiating, register, with_options
from zoo.ops.families.bias_act import activation_gradient, images_and_rows
from zoo.ops.kinds import ACTIVATIONS, ORDERS, Order, activation_code, order_code
from zoo.ops.layout import empty_like_plain, laid_like
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer

_OP = "batch_norm_act"
_forward = torch.ops.zoo.batch_norm_act_forward.default
_backward = torch.ops.zoo.batch_norm_act_backward.default

Optional = Tensor | None
_Options = tuple[bool, float, float, int, float, int, int]  # the op's arguments from `training` on


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


# ---- the ways to compute it


def _reference(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, options: _Options) -> Tensor:
    training, momentum, eps, activation, slope, order, groups = options
    return reference.batch_norm_act(
        x, weight, bias, mean, var, training, momentum, eps, ACTIVATIONS[activation], slope, ORDERS[order], groups
    )


def _traced(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, options: _Options) -> Tensor:
    y: Tensor = torch.ops.zoo.batch_norm_act_forward(x, weight, bias, mean, var, *options)[0]
    return y


def _eager(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, options: _Options) -> Tensor:
    """The forward op, with a graph where one is wanted."""
    if torch.is_grad_enabled() and (
        x.requires_grad or (weight is not None and weight.requires_grad) or (bias is not None and bias.requires_grad)
    ):
        y = _apply(x, weight, bias, mean, var, options)
    else:
        with below_autograd():
            y = _forward(x, weight, bias, mean, var, *options)[0]
    if options[0] and mean is not None:
        # Kernels below autograd write without telling it; a graph that has saved these buffers must notice.
        torch.autograd.graph.increment_version((mean, cast(Tensor, var)))
    return cast(Tensor, y)


# ---- autograd


class BatchNormAct(torch.autograd.Function):
    """Keeps x and the statistics per channel; everything else is computed again."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, options: Any) -> Any:
        with below_autograd():
            y, mean, invstd = _forward(x, weight, bias, running_mean, running_var, *options)
        ctx.save_for_backward(x, weight, bias, mean, invstd)
        ctx.options = options
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, weight, bias, mean, invstd = ctx.saved_tensors
        training, _, eps, activation, slope, order, groups = ctx.options
        if differentiating():
            if training:  # the statistics depend on x, and their derivatives count too
                mean, invstd = _statistics(x, eps, activation, slope, order, groups)
            dx, dweight, dbias = _gradients(
                gradients[0], x, weight, bias, mean, invstd, training, activation, slope, order, groups
            )
        else:
            with below_autograd():
                dx, dweight, dbias = _backward(
                    gradients[0], x, weight, bias, mean, invstd, training, activation, slope, order, groups
                )
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        return (
            dx if needs_x else None,
            dweight if needs_weight else None,
            dbias if needs_bias else None,
            None,
            None,
            None,
        )


class BatchNormActWithStatistics(BatchNormAct):
    """The same with all three results of the forward op, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        y = BatchNormAct.forward(ctx, *arguments)
        mean, invstd = ctx.to_save[3:]
        ctx.mark_non_differentiable(mean, invstd)
        return y, mean, invstd


_apply: Any = BatchNormAct.apply


# ---- the gradients in closed form, in plain PyTorch


def _grouped(x: Tensor, groups: int) -> Tensor:
    """(N, C, ...) as (groups, N / groups, C, positions): statistics run over dimensions 1 and 3."""
    positions = math.prod(x.shape[2:])  # not -1, which a batch of no images leaves undetermined
    return x.reshape(groups, x.shape[0] // groups, x.shape[1], positions)


def _channels(statistic: Tensor) -> Tensor:
    """(groups, C) or (C,) against `_grouped`."""
    return statistic.reshape(-1, 1, statistic.shape[-1], 1)


def _statistics(x: Tensor, eps: float, activation: int, slope: float, order: int, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and inverse standard deviation of every group and channel, (groups, C) each, differentiable."""
    grouped = _grouped(x.to(reference.accumulate_dtype(x.dtype)), groups)
    if order == Order.act_norm:
        grouped = reference.activate(grouped, ACTIVATIONS[activation], slope)
    mean = grouped.mean((1, 3), keepdim=True)
    var = (grouped - mean).square().mean((1, 3))
    return mean.flatten(1), torch.rsqrt(var + eps)


def _gradients(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    invstd: Tensor,
    training: bool,
    activation: int,
    slope: float,
    order: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x (its dtype), weight and bias (their dtype or, where absent, that of the statistics).

    Equations of Ioffe & Szegedy 2015, section 3; `mean` and `invstd` are (groups, C), or (1, C) in evaluation.
    """
    dtype = mean.dtype
    groups = groups if training else 1
    g, argument = _grouped(gradient.to(dtype), groups), _grouped(x.to(dtype), groups)
    before = argument
    if order == Order.act_norm:
        before = reference.activate(argument, ACTIVATIONS[activation], slope)
    normalised = (before - _channels(mean)) * _channels(invstd)
    factor = _channels(invstd)
    if weight is not None:
        factor = factor * _channels(weight.to(dtype))
    if order == Order.norm_act:
        behind = normalised if weight is None else normalised * _channels(weight.to(dtype))
        behind = behind if bias is None else behind + _channels(bias.to(dtype))
        g = activation_gradient(g, behind, activation, slope)
    sum_g, sum_gx = g.sum((1, 3)), (g * normalised).sum((1, 3))
    if training:
        count = g.shape[1] * g.shape[3]
        dx = (g - _channels(sum_g / count) - normalised * _channels(sum_gx / count)) * factor
    else:
        dx = g * factor
    if order == Order.act_norm:
        dx = activation_gradient(dx, argument, activation, slope)
    return (
        dx.reshape(x.shape).to(x.dtype),
        sum_gx.sum(0).to(dtype if weight is None else weight.dtype),
        sum_g.sum(0).to(dtype if bias is None else bias.dtype),
    )


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(x: Tensor, weight: Optional, bias: Optional, mean: Optional, var: Optional, *options: Any) -> Any:
    training, _, eps, activation, slope, order, groups = options
    y = _reference(x, weight, bias, mean, var, options)
    if training:
        return laid_like(y, x), *_statistics(x, eps, activation, slope, order, groups)
    assert mean is not None
    assert var is not None
    dtype = reference.accumulate_dtype(x.dtype)
    return laid_like(y, x), mean.to(dtype, copy=True).view(1, -1), torch.rsqrt(var.to(dtype) + eps).view(1, -1)


def _fallback_backward(gradient: Tensor, x: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    dx, dweight, dbias = _gradients(gradient, x, *arguments)
    return laid_like(dx, x), dweight, dbias


def _fake_forward(x: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    training, groups = arguments[4], arguments[10]
    shape = (groups if training else 1, x.shape[1])
    dtype = reference.accumulate_dtype(x.dtype)
    return empty_like_plain(x), x.new_empty(shape, dtype=dtype), x.new_empty(shape, dtype=dtype)


def _fake_backward(
    gradient: Tensor, x: Tensor, weight: Optional, bias: Optional, mean: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    dweight, dbias = (mean.new_empty(x.shape[1], dtype=mean.dtype if t is None else t.dtype) for t in (weight, bias))
    return empty_like_plain(x), dweight, dbias


def _samples(normal: Normal) -> Iterator[Sample]:
    def call(activation: str, order: str) -> Any:
        def of(op: Any, t: list[Tensor]) -> Any:
            running = (torch.zeros_like(t[1].detach()), torch.ones_like(t[1].detach()))
            return op(*t, *running, True, 0.1, 1e-5, activation, 0.2, order, 2)

        return of

    for x, activation, order in product(images_and_rows(normal), ACTIVATIONS, ORDERS):
        yield call(activation, order), [x, 1 + 0.1 * normal(x.shape[1]), normal(x.shape[1])]


register("batch_norm_act_forward", _fallback_forward, _fake_forward, with_options(BatchNormActWithStatistics, 5))
register("batch_norm_act_backward", _fallback_backward, _fake_backward, _gradients, _gradients)
offer(_OP, Implementation(batch_norm_act, _reference, _traced, _eager, _samples))
