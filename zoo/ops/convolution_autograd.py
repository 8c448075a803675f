"""What ties the directions of a convolution together: the gradients of each are the two others.

So a backward that is itself differentiated runs on the same ops, to any order. Each direction is computed by our kernel
where that pays (`zoo.ops.convolution_rule`), and by torch's elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import fallback
from zoo.ops.autograd import below_autograd, dispatched, wants
from zoo.ops.convolution_rule import Geometry, pays
from zoo.ops.layout import lies_channels_last
from zoo.ops.library import bind, transforming

_forward = torch.ops.zoo.conv2d_forward.default
_transposed = torch.ops.zoo.conv_transpose2d_forward.default
_weight = torch.ops.zoo.conv2d_weight_gradient.default


class Convolution(torch.autograd.Function):
    """y from x and the weights, by what `compute` says."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, compute: Any, *options: Any) -> Any:
        return _computed(ctx, x, weight, compute, options, options)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        dx = dweight = None
        if wants(ctx, 0):
            dx = conv_transpose2d(gradient, weight, *ctx.options, *x.shape[2:])
        if wants(ctx, 1):
            dweight = weight_gradient(x, gradient, weight.shape[2], *ctx.options, lies_channels_last(weight))
        return dx, dweight, None, None, None


class ConvolutionTransposed(torch.autograd.Function):
    """x from y and the weights."""

    @staticmethod
    def forward(ctx: Any, y: Any, weight: Any, compute: Any, *options: Any) -> Any:
        return _computed(ctx, y, weight, compute, options, options[:2])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        y, weight = ctx.saved_tensors
        dy = dweight = None
        if wants(ctx, 0):
            dy = conv2d(gradient, weight, *ctx.options)
        if wants(ctx, 1):
            dweight = weight_gradient(gradient, y, weight.shape[2], *ctx.options, lies_channels_last(weight))
        return dy, dweight, None, None, None, None, None


class ConvolutionWeight(torch.autograd.Function):
    """The gradient of the weights from x and that of y; linear in both."""

    @staticmethod
    def forward(ctx: Any, x: Any, gradient: Any, compute: Any, *options: Any) -> Any:
        return _computed(ctx, x, gradient, compute, options, options[1:3])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (weight,) = gradients
        x, y = ctx.saved_tensors
        dx = conv_transpose2d(y, weight, *ctx.options, *x.shape[2:]) if wants(ctx, 0) else None
        dy = conv2d(x, weight, *ctx.options) if wants(ctx, 1) else None
        return dx, dy, None, None, None, None, None


def _computed(
    ctx: Any, first: Tensor, second: Tensor, compute: Callable[..., Tensor], arguments: Any, stride_and_padding: Any
) -> Tensor:
    ctx.save_for_backward(first, second)
    ctx.options = stride_and_padding
    with below_autograd():
        return compute(first, second, *arguments)


def _compute_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    op = _forward if pays("forward", Geometry.of_conv2d(x, weight, stride, padding)) else fallback.conv2d_forward
    return cast(Tensor, op(x, weight, stride, padding))


def _compute_transposed(y: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int) -> Tensor:
    outputs, channels, rows, columns = weight.shape
    geometry = Geometry(y.shape[0], channels, height, width, outputs, rows, columns, stride, padding)
    op = _transposed if pays("transposed", geometry) else fallback.conv_transpose2d_forward
    return cast(Tensor, op(y, weight, stride, padding, height, width))


def _compute_weight(x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool) -> Tensor:
    batch, channels, height, width = x.shape
    geometry = Geometry(batch, channels, height, width, gradient.shape[1], kernel, kernel, stride, padding)
    op = _weight if pays("weight", geometry) else fallback.conv2d_weight_gradient
    return cast(Tensor, op(x, gradient, kernel, stride, padding, channels_last))


def _with_graph(
    function: type[torch.autograd.Function], compute: Callable[..., Tensor], transparent: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    """The direction, with a graph where one is wanted, and in plain PyTorch where something looks inside."""
    apply: Any = function.apply

    def call(first: Tensor, second: Tensor, *options: Any) -> Tensor:
        if transforming():
            return transparent(first, second, *options)
        if torch.is_grad_enabled() and (first.requires_grad or second.requires_grad):
            return cast(Tensor, apply(first, second, compute, *options))
        with below_autograd():
            return compute(first, second, *options)

    return call


conv2d = _with_graph(Convolution, _compute_forward, fallback.conv2d_forward)
conv_transpose2d = _with_graph(ConvolutionTransposed, _compute_transposed, fallback.conv_transpose2d_forward)
weight_gradient = _with_graph(ConvolutionWeight, _compute_weight, fallback.conv2d_weight_gradient)


def register() -> None:
    """Binds the Autograd key of every op: a call by name gets that op whether it pays or not."""
    for name, operator, function in (
        ("conv2d_forward", _forward, Convolution),
        ("conv_transpose2d_forward", _transposed, ConvolutionTransposed),
        ("conv2d_weight_gradient", _weight, ConvolutionWeight),
    ):
        transparent = getattr(fallback, name)
        bind(name, dispatched(operator, _with_graph(function, operator, transparent), transparent), "Autograd")


register()
