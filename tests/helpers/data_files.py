"""Small tools of the tests of the data."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data import DataSource, DataSpec, Images, Unreadable, open_source, prepare

SIZE = 16
RAMP = np.linspace(0, 255, SIZE, dtype=np.uint8)[None, :].repeat(SIZE, 0)
"""Dark on the left, bright on the right."""


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


def old(path: Path) -> Path:
    """Give a file a time long past, as nearly all files have: what was just written is never trusted."""
    os.utime(path, (1_500_000_000, 1_500_000_000))
    return path


def flat(path: Path, colour=(200, 30, 30), size=(SIZE, SIZE), mode="RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return old(path)


def images_of(folder: Path, channels: int = 3) -> np.ndarray:
    return prepare(open_source(str(folder)), DataSpec(channels, SIZE, SIZE)).images


class Numbers(DataSource):
    """Image number n is all n; what is in `bad` cannot be read."""

    name = "numbers"
    summary = "For tests."

    def __init__(self, location="", count=100, bad=(), channels=1, size=(4, 4)):
        self.title = "numbers"
        self.channels = channels
        self.height, self.width = size
        self.class_names = ["even", "odd"]
        self.count, self.bad = count, bad
        self.decoded = 0

    @classmethod
    def accepts(cls, location):
        return location == ""

    def __len__(self):
        return self.count

    def fingerprint(self):
        return f"numbers {self.count} {self.bad} {self.channels} {self.height} {self.width}"

    def chunks(self):
        return range(self.count)

    def decode(self, item, spec):
        self.decoded += 1
        if item in self.bad:
            yield Unreadable(f"{item}.png", "torn")
        else:
            pixels = np.full((1, self.height, self.width, self.channels), item % 256, np.uint8)
            yield Images(pixels, np.array([item % 2]))
