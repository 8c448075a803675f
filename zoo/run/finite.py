"""Whether all numbers of a state are such as a training can go on with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_WEIGHT = 2.0**64
"""No weight is as large: float32 does not hold the square of it."""


def not_finite(tensors: Mapping[str, Tensor], weights: str = "") -> str:
    """What is wrong with the first tensor that holds nan or an infinite number, in words; empty where none does.

    `weights`: what the names of those begin with that are weights, all of them where it is empty; they are to be smaller than
    `LARGEST_WEIGHT` too. The tensors lie in the main memory.
    """
    import torch

    for name, value in tensors.items():
        if not value.is_floating_point() or not value.numel():
            continue
        low, high = (float(extreme) for extreme in torch.aminmax(_wide(value)))
        if not (math.isfinite(low) and math.isfinite(high)):
            return f"{name} holds {next(value for value in (low, high) if not math.isfinite(value))}"
        largest = max(low, high, key=abs)
        if name.startswith(weights) and abs(largest) >= LARGEST_WEIGHT:
            return f"{name} holds {largest:.3g}, whose square is no number of float32"
    return ""


def _wide(value: Tensor) -> Tensor:
    """The tensor in a type that torch finds the smallest and the largest of; one of 8 bits it does not."""
    return value if value.element_size() > 1 else value.float()
