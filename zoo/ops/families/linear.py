"""The product of a linear layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import reference
from zoo.ops.autograd import below_autograd, register, wants
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer, transforming
from zoo.ops.table import TABLE

_OP = "linear"
_DTYPES = TABLE[_OP].dtypes
_forward = torch.ops.zoo.linear_forward.default

# Measured with AVX-512 and with AVX2 on two threads, weights out of the cache: for batches of 16 to 128 in layers of 256 to
# 1024, 1.2 to 2.6 and 0.9 to 1.8 times as fast as torch. A smaller product is not worth the way through Python, some 10 µs;
# where both sides are larger than a batch, libraries that cut them to measure are as fast.
SMALLEST = 1 << 20
"""Multiplications of the smallest product that goes to our kernel."""
LARGEST_BATCH = 512
"""The most that the smaller of two sides may have: the batch, which is a row of x each, or what a gradient sums over."""
_TOGETHER = 16


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x Wᵀ, as `torch.nn.functional.linear`.

    Args:
        x: (N, in), or whatever torch takes.
        weight: (out, in).

    Returns:
        (N, out), of x's dtype.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit, as torch.
        NativeError: if the native core is present but does not load.
    """
    y: Tensor = dispatch(_OP, x.device.type)(x, weight)
    return y


def pays(x: Tensor, weight: Tensor) -> bool:
    """Whether our kernel computes x Wᵀ, without copying anything, and faster than torch does."""
    dtype = x.dtype
    if dtype not in _DTYPES or weight.dtype != dtype or not x.dim() == weight.dim() == 2:
        return False
    if x.shape[1] != weight.shape[1]:
        return False
    rows, depth = x.shape
    if min(rows, depth) < 8 or min(rows, depth) > LARGEST_BATCH or rows * weight.numel() < SMALLEST or len(weight) < 8:
        return False
    if weight.is_contiguous():
        return x.is_contiguous()
    return weight.t().is_contiguous() and len(weight) % _TOGETHER == 0 and (x.is_contiguous() or x.t().is_contiguous())


class Linear(torch.autograd.Function):
    """x Wᵀ. Its gradients are such products again, which makes them differentiable to any order."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any) -> Any:
        ctx.save_for_backward(x, weight)
        with below_autograd():
            return _product(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        dx = _linear(gradient, weight.t()) if wants(ctx, 0) else None
        if not wants(ctx, 1):
            return dx, None
        if weight.is_contiguous():
            return dx, _linear(gradient.t(), x.t())
        return dx, _linear(x.t(), gradient.t()).t()  # which lies as the weights do


def _product(x: Tensor, weight: Tensor) -> Tensor:
    return cast(Tensor, (_forward if pays(x, weight) else reference.linear)(x, weight))


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    if transforming():
        return reference.linear(x, weight)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return cast(Tensor, Linear.apply(x, weight))  # type: ignore[no-untyped-call]
    with below_autograd():
        return _product(x, weight)


def _eager(x: Tensor, weight: Tensor) -> Tensor:
    ours = pays(x, weight) and not torch.is_autocast_enabled("cpu")
    return _linear(x, weight) if ours else reference.linear(x, weight)


def _fallback_forward(x: Tensor, weight: Tensor) -> Tensor:
    return reference.linear(x, weight)


def _fake_forward(x: Tensor, weight: Tensor) -> Tensor:
    return x.new_empty((x.shape[0], weight.shape[0]))


def _samples(normal: Normal) -> Iterator[Sample]:
    def call(op: Any, t: list[Tensor]) -> Any:
        return op(*t)

    for rows in (64, 65):  # large enough for the kernel to be taken
        yield call, [normal(rows, 129), 0.1 * normal(192, 129)]
        yield call, [normal(rows, 192), 0.1 * normal(129, 192)]


register("linear_forward", _fallback_forward, _fake_forward, _linear)
offer(_OP, Implementation(linear, reference.linear, reference.linear, _eager, _samples))
