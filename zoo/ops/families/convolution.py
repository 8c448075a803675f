"""Convolutions and transposed convolutions of images, without bias: `bias_act` adds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.families import convolution_gradients
from zoo.ops.families.convolution_heuristics import KERNELS, Geometry, as_autocast, enters, one_product, pixel_by_pixel
from zoo.ops.families.linear import linear
from zoo.ops.layout import lies_channels_last
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer


def conv2d(x: Tensor, weight: Tensor, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
    """The convolution (cross-correlation) of x with weight, as `torch.nn.functional.conv2d` has it.

    Which convolutions have a kernel of ours, `zoo/ops/families/convolution_heuristics.py` tells; torch computes the others.
    Under autocast to bfloat16, ours serve on processors with AMX; elsewhere, and to float16, all are torch's.

    Args:
        x: (N, C, H, W); channels_last memory is what our kernels serve.
        weight: (K, C / groups, height, width), contiguous or channels_last.
        stride: 1 or more, the same in both directions.
        padding: rows and columns of zeros around x.
        groups: equal consecutive parts of the channels, each convolved by itself; a divisor of C and of K.

    Returns:
        A new tensor (N, K, H', W') with H' = ⌊(H + 2 padding - height) / stride⌋ + 1, in channels_last memory where x is.

    Raises:
        ValueError: for shapes or devices that do not fit.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    _check("conv2d", x, weight, 1, groups)
    y: Tensor = dispatch("conv2d", x.device.type)(x, weight, stride, padding, groups)
    return y


def conv_transpose2d(x: Tensor, weight: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """The transposed convolution of x with weight, as `torch.nn.functional.conv_transpose2d` has it.

    Args:
        x: (N, K, H, W); channels_last memory is what our kernels serve.
        weight: (K, C, height, width), contiguous or channels_last.
        stride: 1 or more, the same in both directions.
        padding: rows and columns that are cut off at each end of the result.

    Returns:
        A new tensor (N, C, H', W') with H' = (H - 1) stride - 2 padding + height, in channels_last memory where x is.

    Raises:
        ValueError: for shapes or devices that do not fit.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    _check("conv_transpose2d", x, weight, 0)
    y: Tensor = dispatch("conv_transpose2d", x.device.type)(x, weight, stride, padding)
    return y


def _check(op: str, x: Tensor, weight: Tensor, channels: int, groups: int = 1) -> None:
    """x (N, C, H, W) and weight (.., .., rows, columns) with C / groups in dimension `channels`, on one device, in one dtype.

    Under autocast, which converts both, their dtypes may differ. Raises ValueError or TypeError.
    """
    for name, tensor in (("x", x), ("weight", weight)):
        checks.floating(op, name, tensor)
        if tensor.dim() != 4:
            raise ValueError(f"{op}: {name} has shape {checks.shape(tensor)}; four dimensions are needed")
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(
            f"{op}: groups={groups} does not divide the {weight.shape[0]} channels of the result (dimension 0 of weight of "
            f"shape {checks.shape(weight)}) into equal parts; take a divisor of it"
        )
    if weight.shape[channels] * groups != x.shape[1] and groups > 1:
        raise ValueError(
            f"{op}: weight has shape {checks.shape(weight)}, but x of shape {checks.shape(x)} has {x.shape[1]} channels "
            f"(dimension 1), so with groups={groups}, dimension 1 of weight times {groups} needs to be {x.shape[1]}"
        )
    if weight.shape[channels] * groups != x.shape[1]:
        raise ValueError(
            f"{op}: weight has shape {checks.shape(weight)}, but x of shape {checks.shape(x)} has {x.shape[1]} channels "
            f"(dimension 1), so dimension {channels} of weight needs to be {x.shape[1]}"
        )
    if weight.device != x.device:
        raise ValueError(
            f"{op}: weight of shape {checks.shape(weight)} is on {weight.device}, x of shape {checks.shape(x)} on {x.device}; "
            "move them to one device"
        )
    if weight.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"{op}: weight of shape {checks.shape(weight)} is {weight.dtype}, x of shape {checks.shape(x)} is {x.dtype}; "
            "the dtypes must agree"
        )


# ---- the ways to compute them


def _conv2d(kernel: Any) -> Callable[..., Tensor]:
    """conv2d by `kernel` where the rule says so."""

    def way(x: Tensor, weight: Tensor, stride: int, padding: int, groups: int = 1) -> Tensor:
        if groups > 1:
            return reference.conv2d(x, weight, stride, padding, groups)
        geometry = Geometry.of_conv2d(x, weight, stride, padding)
        if one_product(geometry):
            return _gathered(x, weight)
        if pixel_by_pixel(x, weight, geometry):
            return _rows(x, weight)
        x = as_autocast(x)
        if not enters(x, weight, geometry, "forward"):
            return reference.conv2d(x, weight, stride, padding)
        y: Tensor = kernel(x, weight, stride, padding)
        return y

    return way


def _conv_transpose2d(kernel: Any) -> Callable[..., Tensor]:
    """conv_transpose2d by `kernel` where the rule says so."""

    def way(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        geometry = Geometry.of_conv_transpose2d(x, weight, stride, padding)
        if one_product(geometry):
            return _spread(x, weight)
        x = as_autocast(x)
        if not enters(x, weight, geometry, "transposed"):
            return reference.conv_transpose2d(x, weight, stride, padding)
        y: Tensor = kernel(x, weight, stride, padding, geometry.height, geometry.width)
        return y

    return way


def _gathered(x: Tensor, weight: Tensor) -> Tensor:
    """(N, C, H, W) with (K, C, H, W): each image is one row of a matrix."""
    if lies_channels_last(x):
        x, weight = x.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1)
    return linear(x.flatten(1), weight.flatten(1))[:, :, None, None]


def _rows(x: Tensor, weight: Tensor) -> Tensor:
    """(N, C, H, W), channels last, with (K, C, 1, 1): each pixel is one row of a matrix.

    torch multiplies: our own product is for batches, of which there are fewer than there are weights.
    """
    pixels = x.permute(0, 2, 3, 1)
    return reference.linear(pixels.flatten(0, 2), weight.flatten(1)).view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)


def _spread(x: Tensor, weight: Tensor) -> Tensor:
    """(N, K, 1, 1) with (K, C, H, W): each result is one row of a matrix, in the layout of the weights."""
    rows = x.flatten(1)
    if not lies_channels_last(weight):
        return linear(rows, weight.flatten(1).t()).view(x.shape[0], *weight.shape[1:])
    spread = weight.permute(0, 2, 3, 1)
    return linear(rows, spread.flatten(1).t()).view(x.shape[0], *spread.shape[1:]).permute(0, 3, 1, 2)


def _samples(normal: Normal) -> Iterator[Sample]:
    def call(stride: int) -> Callable[..., Any]:
        return lambda op, t: op(*t, stride, 1)

    x = normal(8, 32, 12, 16).contiguous(memory_format=torch.channels_last)
    for kernel, stride in KERNELS:
        yield call(stride), [x, 0.1 * normal(32, 32, kernel, kernel)]


offer(
    "conv2d",
    Implementation(
        conv2d,
        reference.conv2d,
        _conv2d(torch.ops.zoo.conv2d_forward),
        _conv2d(convolution_gradients.conv2d),
        _samples,
    ),
)
offer(
    "conv_transpose2d",
    Implementation(
        conv_transpose2d,
        reference.conv_transpose2d,
        _conv_transpose2d(torch.ops.zoo.conv_transpose2d_forward),
        _conv_transpose2d(convolution_gradients.conv_transpose2d),
        _samples,
    ),
)
