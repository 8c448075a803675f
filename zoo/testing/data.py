"""Images that are made up, for whoever needs some and not any in particular."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_images(path: Path, count: int = 24, size: int = 8, channels: int = 1, classes: int = 3) -> Path:
    """A .npz file of `count` images with labels 0..classes-1 (0: none); each class is brighter than the one before."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % max(classes, 1)
    images = random.integers(0, 80, (count, size, size, channels)) + 70 * labels[:, None, None, None]
    content = {"images": images.clip(0, 255).astype(np.uint8)}
    if classes:
        content["labels"] = labels.astype(np.int64)
    with path.open("wb") as file:
        np.savez(file, **content)  # type: ignore[arg-type]
    return path
