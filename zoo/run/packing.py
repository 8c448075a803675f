"""Nested state as JSON and a flat table of tensors: what a checkpoint's state.json and state.safetensors hold. No pickle.

A tensor becomes ``{"tensor": NAME}``, a dictionary ``{"dict": {…}}`` (``{"items": [[key, value], …]}`` where not all keys are
texts), a tuple ``{"tuple": […]}``; lists, numbers, texts, true, false and null stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON; its tensors are put into `tensors`, under names that begin with `name`.

    Raises TypeError for what neither JSON nor a tensor can hold, with the name of its place.
    """
    from torch import Tensor

    if isinstance(value, Tensor):
        while name in tensors:  # "a.b" in "c" and "b" in "c.a" are two places of one name
            name += "_"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        packed = [[key, pack(each, f"{name}.{key}", tensors)] for key, each in value.items()]
        if all(isinstance(key, str) for key in value):
            return {"dict": dict(packed)}
        if all(isinstance(key, int | str) for key in value):
            return {"items": packed}
        raise TypeError(f"{name} has a key that is neither a text nor a whole number")
    if isinstance(value, list | tuple):
        values = [pack(each, f"{name}.{place}", tensors) for place, each in enumerate(value)]
        return {"tuple": values} if isinstance(value, tuple) else values
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name} is {type(value).__name__}, which a checkpoint cannot hold; tensors, numbers and texts can be"
    )


def unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What was packed. Raises KeyError for a tensor that is missing, ValueError for JSON that `pack` does not make."""
    if isinstance(packed, list):
        return [unpack(each, tensors) for each in packed]
    if not isinstance(packed, dict):
        return packed
    if len(packed) == 1:
        ((kind, content),) = packed.items()
        if kind == "tensor" and isinstance(content, str):
            return tensors[content]
        if kind == "dict" and isinstance(content, dict):
            return {key: unpack(each, tensors) for key, each in content.items()}
        if kind == "items" and isinstance(content, list):
            return {key: unpack(each, tensors) for key, each in content}
        if kind == "tuple" and isinstance(content, list):
            return tuple(unpack(each, tensors) for each in content)
    raise ValueError(f"{sorted(packed)[:3]} is not how a state is written")
