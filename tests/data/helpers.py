"""Small tools of the tests of the data."""

from __future__ import annotations

import struct

import numpy as np

from zoo.data import DataSource, DataSpec


def idx_bytes(array: np.ndarray) -> bytes:
    """An array of bytes in the IDX format."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array, np.uint8).tobytes()


def read(source: DataSource) -> tuple[np.ndarray, np.ndarray | None]:
    """All images and labels of a source whose images have one size, as it delivers them."""
    spec = DataSpec(source.channels, source.height, source.width)
    parts = [part for item in source.chunks() for part in source.decode(item, spec)]
    labels = [part.labels for part in parts if part.labels is not None]
    return np.concatenate([part.pixels for part in parts]), np.concatenate(labels) if labels else None
