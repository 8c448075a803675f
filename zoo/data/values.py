"""From the numbers of a file to the 256 levels of a prepared image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Limits = tuple[float, float]

NATURAL: dict[str, Limits] = {"bool": (0, 1), "uint8": (0, 255), "uint16": (0, 65535), "float": (0, 1)}
"""What is black and what is white in numbers of each kind, where nothing else is said."""


@dataclass(frozen=True)
class Values:
    """How numbers are read."""

    limits: Mapping[str, Limits] = field(default_factory=dict)
    """Black and white by kind of number (`NATURAL`), where they are not the usual ones."""
    background: tuple[int, int, int] = (255, 255, 255)
    """Red, green and blue of what lies below transparent pixels."""


USUAL = Values()


def to_bytes(values: Array, limits: Limits) -> npt.NDArray[np.uint8]:
    """Numbers as uint8 of the same shape: `limits` become 0 and 255, what is beyond is cut off, the rest is rounded."""
    low, high = limits
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    if values.dtype.kind in "ui" and (low, high) == (0, 65535):  # exact, and twice as fast
        return ((values.astype(np.int64) * 255 + 32767) // 65535).clip(0, 255).astype(np.uint8)
    narrow = values.dtype.itemsize < 4 or values.dtype.kind == "f"
    unit = (values.astype(np.float32 if narrow else np.float64) - low) / (high - low)
    return (unit.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def table(limits: Limits) -> list[int]:
    """`to_bytes` of each of the 256 values of a byte."""
    return [int(value) for value in to_bytes(np.arange(256), limits)]


def widened(one: Limits | None, other: Limits) -> Limits:
    """The limits that hold both."""
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))
