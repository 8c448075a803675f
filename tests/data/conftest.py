"""Shared by the tests of the data: a cache of their own, and small files to read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """Every test has its own empty cache; none touches the person's."""
    place = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ZOO_CACHE", str(place))
    return place


@pytest.fixture
def digits_like() -> tuple[np.ndarray, np.ndarray]:
    """Twenty 6×5 images and their labels 0..3."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (20, 6, 5), np.uint8), np.arange(20, dtype=np.uint8) % 4


@pytest.fixture
def write_idx(tmp_path, digits_like):
    """Writes an images file (and labels) in any spelling; returns the path of the images."""

    def write(images=None, labels=None, name="train-images-idx3-ubyte", packed=False) -> Path:
        images = digits_like[0] if images is None else images
        suffix = ".gz" if packed else ""
        pack = gzip.compress if packed else bytes
        path = tmp_path / (name + suffix)
        path.write_bytes(pack(idx_bytes(images)))
        if labels is not None:
            label_name = name.replace("images", "labels").replace("idx3", "idx1")
            (tmp_path / (label_name + suffix)).write_bytes(pack(idx_bytes(np.asarray(labels))))
        return path

    return write
