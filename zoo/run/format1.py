"""Checkpoints of format 1, which zoo wrote before each part of a run had a `state_dict` of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def parts_of(values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What such a state.json and state.safetensors hold, by part as today. Raises KeyError for what is missing."""
    parts: dict[str, Any] = {
        "step": {"latest": values["latest"]},
        "batches": {"drawn": values["batches"]},
        "latents": {"random": tensors["random.latents"]},
        "random": {name: tensors[f"random.{name}"] for name in ("torch", "cuda", "mps") if f"random.{name}" in tensors},
        "precision": values["precision"],
    }
    for name, stepped in values["stepped"].items():
        parts[f"optimizer.{name}"] = {"state": _optimizer(f"optimizer.{name}.", stepped, tensors)}
    if "ema_updates" in values:
        weights = {key.removeprefix("ema."): value for key, value in tensors.items() if key.startswith("ema.")}
        parts["ema"] = {"weights": weights, "updates": values["ema_updates"]}
    return parts


def _optimizer(prefix: str, stepped: list[int], tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """What an optimiser kept of each parameter that had been given a gradient, by the parameter's number."""
    kept: dict[int, dict[str, Tensor]] = {int(number): {} for number in stepped}
    for name, value in tensors.items():
        if name.startswith(prefix):
            place, key = name.removeprefix(prefix).split(".", 1)
            kept.setdefault(int(place), {})[key] = value
    every = {key for each in kept.values() for key in each}  # an optimiser keeps the same of each parameter
    for number, each in kept.items():
        for key in every - each.keys():
            raise KeyError(f"{prefix}{number}.{key}")
    return kept
