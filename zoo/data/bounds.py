"""What is asked for before anything is allocated: sizes that a header claims, and no picture has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.errors import DataError
from zoo.system.memory import need_memory

LARGEST_SIDE = 1 << 15
"""Pixels."""

MOST_VALUES = 1 << 26
"""Numbers of one image that are read: 8192×8192 in grey, 4096×4096 with four channels. A few KB can unpack to
gigabytes of zeros."""

IN_FLIGHT = 128 << 20
"""Bytes of undecoded images that wait for a thread at once, where more than one is."""


def check_image(label: str, height: int, width: int, channels: int = 1) -> None:
    """Raise DataError for the size of an image that is not read."""
    if not (2 <= height <= LARGEST_SIDE and 2 <= width <= LARGEST_SIDE):
        raise DataError(
            f"{label} holds images of {width}×{height} pixels; each side must be between 2 and {LARGEST_SIDE}"
        )
    if height * width * channels > MOST_VALUES:
        raise DataError(
            f"{label} holds images of {width}×{height}×{channels}; at most {MOST_VALUES:,} values of an image are read: "
            "make them smaller"
        )


def check_memory(label: str, count: int, size: int) -> None:
    """Raise OutOfMemoryError where so many labels of so many bytes do not fit into memory beside their numbers."""
    need_memory(count * (2 * size + 24), f"{label} says that it has {count:,} labels; give fewer images at once")


def weight(item: Any) -> int:
    """Bytes that a work item holds, as far as it says: of arrays, bytes, and lists of these."""
    if isinstance(item, bytes | bytearray | memoryview):
        return len(item)
    if isinstance(item, Sequence) and not isinstance(item, str | range):
        return sum(map(weight, item))
    size = getattr(item, "nbytes", 0)
    return size if isinstance(size, int) else 0
