"""Upsampling, filtering and downsampling of images, with a bias and an activation on the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, register, wants
from zoo.ops.families.bias_act import gradients_before
from zoo.ops.kinds import ACTIVATIONS, Activation, activation_code
from zoo.ops.layout import lies_channels_last
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer, transforming

_OP = "upfirdn2d"
_forward = torch.ops.zoo.upfirdn2d_forward.default
_IDENTITY = int(Activation.identity)

MOST_TAPS = 32
"""The longest filter that the kernels take."""


def upfirdn2d(
    x: Tensor,
    filter: Sequence[float] | Tensor,
    up: int = 1,
    down: int = 1,
    padding: int | Sequence[int] = 0,
    bias: Tensor | None = None,
    activation: str = "identity",
    slope: float = 0.2,
) -> Tensor:
    """Upsample, filter, downsample: activation(the filtered image + bias).

    Both directions of the image get the same, one after the other (Karras et al. 2020, https://arxiv.org/abs/1912.04958):
    after each pixel follow up - 1 zeros; rows and columns of zeros are added around, or cut off; the result is convolved with
    the filter where that fits (a true convolution, with the filter turned round); every down-th pixel is kept.

        y[o] = sum over k of filter[k] · z[o · down + taps - 1 - k],  z the image with its zeros

    Taps are taken as they are: for an upsampled image of the same brightness they add up to `up`. The gradient of x is the
    same with up and down exchanged and the filter turned round, so derivatives of any order run on the same kernels.

    Args:
        x: (N, C, H, W), any strides.
        filter: the taps of one direction, 1 to 32 numbers. A constant: no gradient flows to it. A tensor on a GPU is waited
            for in each call; a tuple is not.
        up: 1 or more.
        down: 1 or more.
        padding: rows and columns of zeros, the same on all sides or (left, right, top, bottom); below 0 they are cut off.
        bias: (C,) or None for 0.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Returns:
        A new tensor (N, C, H', W') with H' = ⌊(up H + top + bottom - taps) / down⌋ + 1, of x's dtype, in channels_last memory
        where x is, contiguous otherwise.

    Raises:
        ValueError: for shapes, devices or values that do not fit.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    code = activation_code(activation, slope)
    checks.floating(_OP, "x", x)
    if x.dim() != 4:
        raise ValueError(f"{_OP}: x has shape {checks.shape(x)}; (N, C, H, W) is needed")
    taps, sides = _taps(filter), _sides(padding)
    if min(up, down) < 1:
        raise ValueError(f"{_OP}: up is {up} and down is {down}; whole numbers of 1 or more are needed")
    if bias is not None:
        checks.per_channel(_OP, "bias", bias, x)
    if min(_size(x, taps, up, 1, sides)) < 1 or min(x.shape[2:]) < 1:
        raise ValueError(
            f"{_OP}: a filter of {len(taps)} taps does not fit into x of shape {checks.shape(x)} with up={up} and padding "
            f"{sides} (left, right, top, bottom); pad more, or take fewer taps"
        )
    y: Tensor = dispatch(_OP, x.device.type)(x, bias, taps, up, down, sides, code, slope)
    return y


def _taps(filter: Sequence[float] | Tensor) -> list[float]:
    """The taps as numbers. Raises ValueError."""
    if isinstance(filter, Tensor):
        if filter.dim() != 1:
            raise ValueError(
                f"{_OP}: filter has shape {checks.shape(filter)}; one dimension is needed, of 1 to 32 taps"
            )
        filter = filter.tolist()
    taps = [float(tap) for tap in filter]
    if not 1 <= len(taps) <= MOST_TAPS:
        raise ValueError(f"{_OP}: filter has {len(taps)} taps; 1 to {MOST_TAPS} are needed")
    return taps


def _sides(padding: int | Sequence[int]) -> list[int]:
    """(left, right, top, bottom). Raises ValueError."""
    sides = [padding] * 4 if isinstance(padding, int) else list(padding)
    if len(sides) != 4:
        raise ValueError(f"{_OP}: padding is {padding!r}; one number or four are needed (left, right, top, bottom)")
    return sides


def _size(x: Tensor, taps: list[float], up: int, down: int, sides: Sequence[int]) -> tuple[int, int]:
    """Height and width of the result."""
    left, right, top, bottom = sides
    height, width = x.shape[2:]
    return (
        (height * up + top + bottom - len(taps)) // down + 1,
        (width * up + left + right - len(taps)) // down + 1,
    )


# ---- the ways to compute it


def _reference(
    x: Tensor,
    bias: Tensor | None,
    taps: list[float],
    up: int,
    down: int,
    sides: list[int],
    activation: int,
    slope: float,
) -> Tensor:
    y = reference.upfirdn2d(x, taps, up, down, sides, bias, ACTIVATIONS[activation], slope)
    return y if transforming() else y.contiguous(memory_format=_format(x))


def _by(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The op as `function` computes it, which is told where the image begins and how large the result is."""

    def way(
        x: Tensor, bias: Tensor | None, taps: list[float], up: int, down: int, sides: list[int], *options: Any
    ) -> Tensor:
        size = _size(x, taps, up, down, sides)
        return function(x, bias, taps, up, down, sides[0], sides[2], *size, *options)

    return way


def _eager(*arguments: Any) -> Tensor:
    """The op, with a graph where one is wanted."""
    x, bias = arguments[:2]
    if torch.is_grad_enabled() and (x.requires_grad or (bias is not None and bias.requires_grad)):
        return _with_graph(*arguments)
    with below_autograd():
        return cast(Tensor, _forward(*arguments))


# ---- autograd


class Resampled(torch.autograd.Function):
    """The linear part. Its gradient is such a resampling again, so that it can be differentiated to any order."""

    @staticmethod
    def forward(ctx: Any, x: Any, *options: Any) -> Any:
        taps, up, down, left, top, height, width = options
        ctx.options = (taps, up, down, left, top, *x.shape[2:], lies_channels_last(x))
        with below_autograd():
            return _forward(x, None, taps, up, down, left, top, height, width, _IDENTITY, 0.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _adjoint(gradients[0], *ctx.options) if wants(ctx, 0) else None, *[None] * 7


class ResampledAct(torch.autograd.Function):
    """The resampled image with bias and activation. Keeps the result, which the next layer keeps anyway."""

    @staticmethod
    def forward(ctx: Any, x: Any, bias: Any, *options: Any) -> Any:
        taps, up, down, left, top, _, _, *ctx.activation = options
        ctx.options = (taps, up, down, left, top, *x.shape[2:], lies_channels_last(x))
        with below_autograd():
            y = _forward(x, bias, *options)
        if ctx.activation[0]:
            ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        activation, slope = ctx.activation
        y = ctx.saved_tensors[0] if activation else gradient  # the identity looks at no output
        dy, dbias = gradients_before(gradient, y, activation, slope, wants(ctx, 1))
        dx = _adjoint(dy, *ctx.options) if wants(ctx, 0) else None
        return dx, dbias if ctx.needs_input_grad[1] else None, *[None] * 9


def _adjoint(
    gradient: Tensor,
    taps: list[float],
    up: int,
    down: int,
    left: int,
    top: int,
    height: int,
    width: int,
    channels_last: bool,
) -> Tensor:
    """The gradient of x, (.., height, width), in its layout: an image that is stretched is shrunk again."""
    reach = len(taps) - 1
    options = (taps[::-1], down, up, reach - left, reach - top, height, width, _IDENTITY, 0.0)
    if transforming():
        return _transparent(gradient, None, *options)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return _eager(gradient.contiguous(memory_format=layout), None, *options)


def _with_graph(x: Tensor, bias: Tensor | None, *options: Any) -> Tensor:
    if bias is None and options[-2] == _IDENTITY:
        return cast(Tensor, Resampled.apply(x, *options[:-2]))  # type: ignore[no-untyped-call]
    return cast(Tensor, ResampledAct.apply(x, bias, *options))  # type: ignore[no-untyped-call]


# ---- the op where no kernel is built, and for tensors without data


def _transparent(
    x: Tensor,
    bias: Tensor | None,
    taps: list[float],
    up: int,
    down: int,
    left: int,
    top: int,
    height: int,
    width: int,
    activation: int,
    slope: float,
) -> Tensor:
    """In plain PyTorch, differentiable in every way."""
    # The rows and columns after the image that give a result of this size.
    right, bottom = (
        (size - 1) * down + len(taps) - before - length * up
        for size, before, length in ((width, left, x.shape[3]), (height, top, x.shape[2]))
    )
    return reference.upfirdn2d(x, taps, up, down, (left, right, top, bottom), bias, ACTIVATIONS[activation], slope)


def _fallback(x: Tensor, bias: Tensor | None, *options: Any) -> Tensor:
    y = _transparent(x, bias, *options)
    laid = torch.empty(y.shape, dtype=y.dtype, device=y.device, memory_format=_format(x))
    return laid.copy_(y)


def _fake(
    x: Tensor,
    bias: Tensor | None,
    taps: list[float],
    up: int,
    down: int,
    left: int,
    top: int,
    height: int,
    width: int,
    activation: int,
    slope: float,
) -> Tensor:
    size = (*x.shape[:2], height, width)
    return torch.empty(size, dtype=x.dtype, device=x.device, memory_format=_format(x))


def _format(x: Tensor) -> torch.memory_format:
    return torch.channels_last if lies_channels_last(x) else torch.contiguous_format


def _samples(normal: Normal) -> Iterator[Sample]:
    def call(taps: tuple[float, ...], up: int, down: int) -> Callable[..., Any]:
        return lambda op, t: op(t[0], taps, up, down, (2, 1, 1, 2), t[1], "leaky_relu", 0.2)

    image = normal(4, 19, 7, 5)
    ways = product((image, image.contiguous(memory_format=torch.channels_last)), ((2, 1), (1, 2), (1, 1)))
    for (x, (up, down)), taps in product(ways, ((0.25, 0.5, 0.25), (0.125, 0.375, 0.375, 0.125))):
        yield call(taps, up, down), [x, normal(19)]


register("upfirdn2d_forward", _fallback, _fake, _with_graph, _transparent)
offer(_OP, Implementation(upfirdn2d, _reference, _by(torch.ops.zoo.upfirdn2d_forward), _by(_eager), _samples))
