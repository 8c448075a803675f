"""Bias and activation in one op."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, differentiating, register, wants
from zoo.ops.kinds import ACTIVATIONS, Activation, activation_code
from zoo.ops.layout import empty_like_plain, laid_like
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer

_OP = "bias_act"
_forward = torch.ops.zoo.bias_act_forward.default
_backward = torch.ops.zoo.bias_act_backward.default

_relu_backward: Callable[..., Tensor] = torch.ops.aten.threshold_backward.default
_leaky_relu_backward: Callable[..., Tensor] = torch.ops.aten.leaky_relu_backward.default
_tanh_backward: Callable[..., Tensor] = torch.ops.aten.tanh_backward.default


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


# ---- the ways to compute it


def _reference(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    return reference.bias_act(x, bias, ACTIVATIONS[activation], slope)


def _traced(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    y: Tensor = torch.ops.zoo.bias_act_forward(x, bias, activation, slope)
    return y


def _eager(*arguments: Any) -> Tensor:
    """The forward op, with a graph where one is wanted."""
    x, bias = arguments[:2]
    if torch.is_grad_enabled() and (x.requires_grad or (bias is not None and bias.requires_grad)):
        return cast(Tensor, _apply(*arguments))
    with below_autograd():
        return cast(Tensor, _forward(*arguments))


# ---- autograd


class BiasAct(torch.autograd.Function):
    """Keeps the output, which the next layer keeps anyway."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        _, _, activation, slope = arguments
        with below_autograd():
            y = _forward(*arguments)
        if activation:
            ctx.save_for_backward(y)
        ctx.options = (activation, slope)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        activation, slope = ctx.options
        y = ctx.saved_tensors[0] if activation else gradient  # the identity looks at no output
        needs_x, needs_bias = ctx.needs_input_grad[:2]
        dx, dbias = gradients_before(gradient, y, activation, slope, wants(ctx, 1))
        return dx if needs_x else None, dbias if needs_bias else None, None, None


_apply: Any = BiasAct.apply


def gradients_before(
    gradient: Tensor, y: Tensor, activation: int, slope: float, with_bias: bool
) -> tuple[Tensor, Tensor | None]:
    """The gradients before an activation and of the bias (None unless it is wanted), from the activation's result y."""
    if differentiating():
        return _gradients(gradient, y, activation, slope)
    with below_autograd():
        if with_bias:
            dx, dbias = _backward(gradient, y, activation, slope)
            return dx, dbias
        # No sum over the batch: torch's own kernels read and write no more than they must.
        return _activation_backward(gradient, y, activation, slope), None


def _activation_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> Tensor:
    """The gradient before an activation, from the one behind it and the activation's result."""
    if activation == Activation.relu:
        return _relu_backward(gradient, y, 0)
    if activation == Activation.leaky_relu:
        return _leaky_relu_backward(gradient, y, slope, True)
    return _tanh_backward(gradient, y) if activation == Activation.tanh else gradient


# ---- the gradients in closed form, in plain PyTorch


def activation_gradient(gradient: Tensor, argument: Tensor, activation: int, slope: float) -> Tensor:
    """The gradient before an activation, from the one behind it and the activation's argument."""
    if activation == Activation.relu:
        return torch.where(argument <= 0, torch.zeros_like(gradient), gradient)
    if activation == Activation.leaky_relu:
        return torch.where(argument > 0, gradient, gradient * slope)
    if activation == Activation.tanh:
        return gradient * (1 - torch.tanh(argument).square())
    return gradient


def _gradients(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    """Gradients of x (its dtype) and of the bias (that of accumulation), from the output alone.

    No activation here hides the sign of its argument, and tanh' is 1 - y².
    """
    dtype = reference.accumulate_dtype(gradient.dtype)
    g, out = gradient.to(dtype), y.to(dtype)
    if activation == Activation.tanh:
        g = g * (1 - out.square())
    else:
        g = activation_gradient(g, out, activation, slope)
    return g.to(gradient.dtype), g.sum([d for d in range(g.dim()) if d != 1])


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    return laid_like(_reference(x, bias, activation, slope), x)


def _fallback_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    dx, dbias = _gradients(gradient, y, activation, slope)
    return laid_like(dx, y), dbias


def _fake_forward(x: Tensor, bias: Tensor | None, activation: int, slope: float) -> Tensor:
    return empty_like_plain(x)


def _fake_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    return empty_like_plain(y), y.new_empty(y.shape[1], dtype=reference.accumulate_dtype(y.dtype))


def images_and_rows(normal: Normal) -> tuple[Tensor, ...]:
    """(N, C), and (N, C, H, W) in both layouts, of odd sizes, so that vector loops have tails."""
    image = normal(8, 19, 7, 5)
    return normal(12, 37), image, image.contiguous(memory_format=torch.channels_last)


def _samples(normal: Normal) -> Iterator[Sample]:
    def call(activation: str) -> Any:
        return lambda op, t: op(*t, activation, 0.2)

    for x, activation in product(images_and_rows(normal), ACTIVATIONS):
        yield call(activation), [x, normal(x.shape[1])]


register("bias_act_forward", _fallback_forward, _fake_forward, _apply)
register("bias_act_backward", _fallback_backward, _fake_backward, _gradients, _gradients)
offer(_OP, Implementation(bias_act, _reference, _traced, _eager, _samples))
