"""Inputs on the device and their twins in float64 on the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from op_cases import close, gradients, leaves, tensor

from zoo import ops
from zoo.ops import reference

DEVICE = "cuda"

# (shape, groups): odd and even, smaller and larger than a block, few and many channels, images of all sizes.
SHAPES = [
    ((48, 19), 3),
    ((6, 19, 5, 7), 3),
    ((4, 3, 1, 2), 2),
    ((64, 1), 2),
    ((2, 1, 3, 5), 1),
    ((1, 5, 4, 4), 1),
    ((64, 256), 2),
    ((4096, 8), 2),
    ((3000, 24), 3),
    ((8, 64, 4, 4), 2),
    ((6, 40, 16, 16), 3),
    ((2, 512, 4, 4), 1),
    ((16, 24, 32, 32), 2),
    ((64, 8, 64, 64), 2),
]
LAYOUTS = ["contiguous", "channels_last", "unaligned", "transposed", "expanded"]


def laid_out(x: torch.Tensor, layout: str, device: str = DEVICE) -> torch.Tensor:
    """x on the device in a layout; values can differ from those of x, so ask the result for them."""
    x = x.to(device)
    if layout == "channels_last" and x.dim() == 4:
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "unaligned":  # begins one element after a multiple of 16 bytes
        return torch.cat([x.new_zeros(1), x.flatten()])[1:].view(x.shape)
    if layout == "transposed":
        return x.transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "expanded":
        return x[..., :1].expand(x.shape) if x.dim() == 4 else x[:, :1].expand(x.shape)
    return x.contiguous()


def parameters(channels: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    return (1 + 0.3 * tensor((channels,), dtype, 1)).to(DEVICE), tensor((channels,), dtype, 2).to(DEVICE)


def running(channels: int, dtype: torch.dtype) -> list[torch.Tensor]:
    return [tensor((channels,), dtype, 3).to(DEVICE), tensor((channels,), dtype, 4).exp().to(DEVICE)]


def wide(*tensors: torch.Tensor | None) -> list[Any]:
    """Twins in float64 on the CPU, contiguous: torch's own CPU kernels differentiate some odd strides wrongly."""
    return leaves(*[None if t is None else t.detach().cpu().contiguous() for t in tensors], dtype=torch.float64)


def check_batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    statistics: list[Any],
    training: bool,
    factor: float = 1.0,
    **options: Any,
) -> None:
    """Forward, running statistics and all gradients against the reference in float64."""
    dtype = x.dtype
    inputs, twins = leaves(x, weight, bias), wide(x, weight, bias)
    expected_statistics = [None if t is None else t.detach().cpu().double() for t in statistics]
    y = ops.batch_norm_act(*inputs, *statistics, training, **options)
    expected = reference.batch_norm_act(*twins, *expected_statistics, training, **options)
    what = f"{tuple(x.shape)} {x.stride()} {dtype} training={training} {options}"
    assert y.dtype == dtype, what
    assert y.device == x.device, what
    close(y.cpu(), expected, dtype, factor=factor, what=what)
    for ours, theirs in zip(statistics, expected_statistics, strict=True):
        if ours is not None:
            close(ours.cpu(), theirs, ours.dtype, factor=2, what=f"running statistics, {what}")
    upstream = tensor(tuple(y.shape), dtype, 5)
    results = torch.autograd.grad(y, [t for t in inputs if t is not None], upstream.to(y.device))
    wanted = torch.autograd.grad(expected, [t for t in twins if t is not None], upstream.double())
    names = [n for n, t in zip(("x", "weight", "bias"), inputs, strict=True) if t is not None]
    for name, got, want in zip(names, results, wanted, strict=True):
        close(got.cpu(), want, dtype, factor=4 * factor, what=f"gradient of {name}, {what}")


@contextmanager
def synchronization_forbidden() -> Iterator[None]:
    """Within it torch raises for whatever waits for the device."""
    _set_sync_debug_mode("error")
    try:
        yield
    finally:
        _set_sync_debug_mode("default")


def _set_sync_debug_mode(mode: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that this is a prototype
        torch.cuda.set_sync_debug_mode(mode)


__all__ = [
    "DEVICE",
    "LAYOUTS",
    "SHAPES",
    "check_batch_norm",
    "close",
    "gradients",
    "laid_out",
    "leaves",
    "parameters",
    "running",
    "synchronization_forbidden",
    "tensor",
    "wide",
]
