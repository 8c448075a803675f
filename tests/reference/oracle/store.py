"""Arrays by name in one compressed .npz: one long row of float64, and beside it the names, shapes and notes as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oracle.draws import Array, Draws

LIMIT = 500
"""An array of more elements than this is stored as its `digest`."""


def save(path: Path, arrays: Mapping[str, Array], notes: Any = None) -> None:
    """Write a file that the same arrays always make byte by byte."""
    index = json.dumps({"arrays": [[name, array.shape] for name, array in arrays.items()], "notes": notes})
    numbers = np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays.values()])
    np.savez_compressed(path, numbers=numbers, index=np.frombuffer(index.encode(), np.uint8))


def load(path: Path) -> tuple[dict[str, Array], Any]:
    """The arrays and the notes of a file."""
    with np.load(path, allow_pickle=False) as file:
        numbers, index = file["numbers"], json.loads(file["index"].tobytes())
    arrays, start = {}, 0
    for name, shape in index["arrays"]:
        size = int(np.prod(shape))
        arrays[name] = numbers[start : start + size].reshape(shape)
        start += size
    return arrays, index["notes"]


def short(name: str, array: Array) -> Array:
    """What is stored of an array: itself, or its digest."""
    return array if array.size <= LIMIT else digest(name, array)


def digest(name: str, array: Array) -> Array:
    """Stands for a large array: sum, norm, eight sums with random signs (the name is their seed), 24 of its elements.

    Two arrays that differ anywhere by more than rounding differ in one of the signed sums.
    """
    row = array.ravel()
    bits = Draws(name).integers(256, row.size)
    signed = [float((row * (1 - 2 * (bits >> k & 1))).sum()) for k in range(8)]
    places = np.linspace(0, row.size - 1, 24).astype(int)
    return np.array([row.sum(), np.sqrt((row**2).sum()), *signed, *row[places]])
