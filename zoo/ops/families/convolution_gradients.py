"""What ties the directions of a convolution together: the gradients of each are the two others.

So a backward that is itself differentiated runs on the same ops, to any order. Each direction is computed by our kernel
where that pays (`convolution_heuristics`), and by torch's elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from zoo.ops import reference
from zoo.ops.autograd import below_autograd, register, wants
from zoo.ops.families.convolution_heuristics import Geometry, pays
from zoo.ops.layout import lies_channels_last
from zoo.ops.library import transforming

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
            dweight = dweight.to(weight.dtype)
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
            dweight = dweight.to(weight.dtype)
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


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    return _channels_last(reference.conv2d(x, _rounded(weight, x), stride, padding))


def _fallback_transposed(x: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int) -> Tensor:
    # Several sizes of the result shrink to the same size of x; torch asks how much more than the smallest it is.
    more = [
        wanted - ((size - 1) * stride - 2 * padding + rows)
        for wanted, size, rows in zip((height, width), x.shape[2:], weight.shape[2:], strict=True)
    ]
    return _channels_last(F.conv_transpose2d(x, _rounded(weight, x), None, stride, padding, more))


def _fallback_weight(
    x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool
) -> Tensor:
    weight = x.new_empty((1,)).expand(gradient.shape[1], x.shape[1], kernel, kernel)  # torch looks at its shape alone
    options: Any = (None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, [False, True, False])
    dweight: Tensor = torch.ops.aten.convolution_backward.default(gradient, x, weight, *options)[1]
    if x.dtype == torch.bfloat16:
        dweight = dweight.float()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    laid = dweight.contiguous(memory_format=layout)
    # Of one channel or one tap they lie in both layouts, and the strides are to say which, as those of the kernels do.
    return laid.clone(memory_format=layout) if 1 in (x.shape[1], kernel) else laid


def _rounded(weight: Tensor, x: Tensor) -> Tensor:
    """Weights in float32 beside images in bfloat16, as torch takes them."""
    return weight.to(x.dtype) if x.dtype == torch.bfloat16 else weight


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _fake_images(like: Tensor, channels: int, height: int, width: int, layout: torch.memory_format) -> Tensor:
    size = (like.shape[0], channels, height, width)
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=layout)


def _fake_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    height, width = (
        (n + 2 * padding - rows) // stride + 1 for n, rows in zip(x.shape[2:], weight.shape[2:], strict=True)
    )
    return _fake_images(x, weight.shape[0], height, width, torch.channels_last)


def _fake_transposed(x: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int) -> Tensor:
    return _fake_images(x, weight.shape[1], height, width, torch.channels_last)


def _fake_weight(x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool) -> Tensor:
    size = (gradient.shape[1], x.shape[1], kernel, kernel)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    dtype = torch.float32 if x.dtype == torch.bfloat16 else x.dtype  # a sum of many products
    return torch.empty(size, dtype=dtype, device=x.device, memory_format=layout)


# ---- each direction by whoever is the faster one


def _compute_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    op = _forward if pays("forward", Geometry.of_conv2d(x, weight, stride, padding), x.dtype) else _fallback_forward
    return cast(Tensor, op(x, weight, stride, padding))


def _compute_transposed(y: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int) -> Tensor:
    outputs, channels, rows, columns = weight.shape
    geometry = Geometry(y.shape[0], channels, height, width, outputs, rows, columns, stride, padding)
    op = _transposed if pays("transposed", geometry, y.dtype) else _fallback_transposed
    return cast(Tensor, op(y, weight, stride, padding, height, width))


def _compute_weight(x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool) -> Tensor:
    batch, channels, height, width = x.shape
    geometry = Geometry(batch, channels, height, width, gradient.shape[1], kernel, kernel, stride, padding)
    op = _weight if pays("weight", geometry, x.dtype) else _fallback_weight
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


conv2d = _with_graph(Convolution, _compute_forward, _fallback_forward)
conv_transpose2d = _with_graph(ConvolutionTransposed, _compute_transposed, _fallback_transposed)
weight_gradient = _with_graph(ConvolutionWeight, _compute_weight, _fallback_weight)


# A call by name gets that op whether it pays or not.
for _name, _op, _function, _fallback, _fake in (
    ("conv2d_forward", _forward, Convolution, _fallback_forward, _fake_forward),
    ("conv_transpose2d_forward", _transposed, ConvolutionTransposed, _fallback_transposed, _fake_transposed),
    ("conv2d_weight_gradient", _weight, ConvolutionWeight, _fallback_weight, _fake_weight),
):
    register(_name, _fallback, _fake, _with_graph(_function, _op, _fallback))
