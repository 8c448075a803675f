"""Argument checks shared by the ops: made once, in Python, before any kernel sees a tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.ops.table import FLOATING


def shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape as a plain tuple, for messages."""
    return tuple(tensor.shape)


def floating(op: str, name: str, tensor: Tensor) -> None:
    """Refuses integer, boolean, complex and 8-bit tensors. Raises TypeError."""
    if tensor.dtype not in FLOATING:
        raise TypeError(
            f"{op}: {name} of shape {shape(tensor)} is {tensor.dtype}; "
            "float32, bfloat16, float16 and float64 work (convert it with .float())"
        )
    if tensor.layout != torch.strided:
        raise TypeError(f"{op}: {name} of shape {shape(tensor)} is {tensor.layout}; a dense tensor is needed")


def input_rank(op: str, x: Tensor) -> None:
    """x is (N, C) or (N, C, H, W). Raises ValueError."""
    if x.dim() != 4 and x.dim() != 2:
        raise ValueError(f"{op}: x has shape {shape(x)}; (N, C) or (N, C, H, W) is needed")


def per_channel(op: str, name: str, tensor: Tensor, x: Tensor) -> None:
    """One value per channel of x, on its device, in its dtype or (beside 16-bit x) in float32.

    Raises ValueError for a shape or device that does not fit, TypeError for a dtype.
    """
    if tensor.dim() != 1 or tensor.shape[0] != x.shape[1]:
        raise ValueError(
            f"{op}: {name} has shape {shape(tensor)}, but x of shape {shape(x)} has {x.shape[1]} channels "
            f"(dimension 1), so {name} needs shape ({x.shape[1]},)"
        )
    if tensor.device != x.device:
        raise ValueError(
            f"{op}: {name} of shape {shape(tensor)} is on {tensor.device}, x of shape {shape(x)} on {x.device}; "
            "move them to one device"
        )
    if tensor.dtype != x.dtype and (tensor.dtype != torch.float32 or x.dtype == torch.float64):
        raise TypeError(
            f"{op}: {name} of shape {shape(tensor)} is {tensor.dtype}, x of shape {shape(x)} is {x.dtype}; "
            "the dtypes must agree (float32 parameters also go with 16-bit x)"
        )


def logits(op: str, name: str, tensor: Tensor) -> None:
    """A floating tensor with at least one element. Raises TypeError or ValueError."""
    floating(op, name, tensor)
    if tensor.numel() == 0:
        raise ValueError(f"{op}: {name} has shape {shape(tensor)}, which holds no element; a mean needs one or more")
