"""How inputs and findings are written in a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.data.spec import DataSpec
from zoo.options.resolve import flag


def describe(spec: DataSpec) -> str:
    """What the networks are built for: ``grey 8×8 images of 3 classes``."""
    what = spec.kind if spec.points else f"{spec.colours} {spec.width}×{spec.height} images"
    return what + (f" of {spec.classes} classes" if spec.classes else " without labels")


def some(names: Sequence[str], most: int = 4) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def typed(options: Mapping[str, Any]) -> list[str]:
    """Options as a person would type them; those that are None are left out."""
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        elif name == "size" and isinstance(value, (tuple, list)):
            words += [flag(name), "x".join(map(str, value))]
        elif isinstance(value, (tuple, list)):
            words += [flag(name), *map(str, value)] if value else []
        elif value is not None:
            words += [flag(name), str(value)]
    return words
