"""Inputs and comparisons that the tests of the ops share."""

from __future__ import annotations

from typing import Any

import torch

from zoo.ops import kinds
from zoo.ops.table import FLOATING

ACTIVATIONS = [("identity", 0.0), ("relu", 0.0), ("leaky_relu", 0.2), ("leaky_relu", 1.5), ("tanh", 0.0)]
ORDERS = kinds.ORDERS
KINDS = kinds.LOSSES
DTYPES = FLOATING
LAYOUTS = ["rows", "contiguous", "channels_last", "transposed", "expanded"]

# Rounding of the storage (twice: input of the next op, result), and of sums in float32.
TOLERANCES = {torch.float64: 1e-11, torch.float32: 2e-5, torch.bfloat16: 1.6e-2, torch.float16: 2e-3}


def tensor(shape: tuple[int, ...], dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + 31 * sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def image(layout: str, dtype: torch.dtype, batch: int = 6, channels: int = 19, seed: int = 0) -> torch.Tensor:
    """An input of the given layout: odd sizes, so that vector loops have tails."""
    shape = (8 * batch, channels) if layout == "rows" else (batch, channels, 5, 7)
    x = tensor(shape, dtype, seed) * 2 + 0.5
    if layout == "channels_last":
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "transposed":
        return x.transpose(2, 3)
    if layout == "expanded":
        return x[:, :, :, :1].expand(shape)
    return x


def close(ours: torch.Tensor, theirs: torch.Tensor, dtype: torch.dtype, factor: float = 1.0, what: str = "") -> None:
    """Equal up to the rounding of `dtype`, relative to the largest finite value."""
    assert ours.shape == theirs.shape, what
    ours, theirs = ours.detach().double(), theirs.detach().double()
    finite = theirs[theirs.isfinite()]
    size = max(1.0, float(finite.abs().max())) if finite.numel() else 1.0
    torch.testing.assert_close(
        ours / size,
        theirs / size,
        rtol=0,
        atol=TOLERANCES[dtype] * factor,
        equal_nan=True,
        msg=lambda text: f"{what}: {text}",
    )


def leaves(*tensors: torch.Tensor | None, dtype: torch.dtype | None = None) -> list[Any]:
    """Copies that want gradients; None stays None."""
    return [None if t is None else t.detach().to(dtype or t.dtype).requires_grad_() for t in tensors]


def gradients(
    y: torch.Tensor, inputs: list[Any], seed: int = 5, dtype: torch.dtype | None = None
) -> list[torch.Tensor]:
    """Gradients of the inputs that are tensors, for a random gradient rounded to `dtype`."""
    upstream = tensor(tuple(y.shape), dtype or y.dtype, seed).to(y.dtype)
    return list(torch.autograd.grad(y, [t for t in inputs if t is not None], upstream))
