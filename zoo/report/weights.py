"""How many parameters a network has, from the head of its file: no weight is read."""

from __future__ import annotations

import json
import math
from pathlib import Path

from zoo.system.reading import open_plain

_LONGEST = 16 << 20  # bytes of the head: a network of a hundred thousand tensors has less
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""The last part of names of what is no parameter."""


def count_parameters(path: Path) -> int:
    """Of a safetensors file. Raises OSError, ValueError for a file that is none."""
    with open_plain(path) as file:
        size = int.from_bytes(file.read(8), "little")
        if not 0 < size <= _LONGEST:
            raise ValueError(f"{path.name} is no safetensors file")
        try:
            head = json.loads(file.read(size))
            shapes = [of["shape"] for name, of in head.items() if _is_parameter(name)]
            return sum(math.prod(map(int, shape)) for shape in shapes)
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            raise ValueError(f"{path.name} is no safetensors file, or damaged") from None


def _is_parameter(name: str) -> bool:
    return name != "__metadata__" and name.rpartition(".")[2] not in _BUFFERS
