"""The product of a dense layer, on processors where torch's own choice of library is not the fastest that it has.

torch leaves float32 products on a CPU to MKL, which on AMD's processors does not use AVX-512. oneDNN does, and comes with torch:
twice as fast there, forward and in both gradients (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from zoo.ops.library import dispatch, offer

_OP = "linear"
SMALLEST = 1 << 20
"""Multiplications of the smallest product that is worth the way through Python, some 10 µs."""


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x Wᵀ, as `torch.nn.functional.linear`.

    Args:
        x: (N, in), or whatever torch takes.
        weight: (out, in).

    Returns:
        (N, out), of x's dtype.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit, as torch.
    """
    y: Tensor = dispatch(_OP, x.device.type)(x, weight)
    return y


def _eager(x: Tensor, weight: Tensor) -> Tensor:
    if (
        x.dim() == weight.dim() == 2
        and x.dtype == weight.dtype == torch.float32
        and x.shape[1] == weight.shape[1]
        and len(x) * weight.numel() >= SMALLEST
        and min(len(x), *weight.shape) >= 8
        and not torch.is_autocast_enabled("cpu")
    ):
        y: Tensor = _Product.apply(x, weight)  # type: ignore[no-untyped-call]
        return y
    return F.linear(x, weight)


class _Product(torch.autograd.Function):
    """x Wᵀ by oneDNN. Its gradients are such products again, which makes them differentiable too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        multiply: Callable[[Tensor, Tensor], Tensor] = linear if torch.is_grad_enabled() else _product
        return (
            multiply(gradient, weight.t()) if ctx.needs_input_grad[0] else None,
            multiply(gradient.t(), x.t()) if ctx.needs_input_grad[1] else None,
        )


def _product(x: Tensor, weight: Tensor) -> Tensor:
    y: Tensor = torch.ops.mkldnn._linear_pointwise(_plain(x), _plain(weight), None, "none", [], "")
    return y


def _plain(matrix: Tensor) -> Tensor:
    """A matrix that lies row by row or column by column, and not in steps, or the same row again and again."""
    return matrix if matrix.is_contiguous() or matrix.t().is_contiguous() else matrix.contiguous()


offer(_OP, F.linear, F.linear, _eager)
