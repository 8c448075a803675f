"""The state of a run at one step, copied: the training goes on while the copy is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.run.finite import not_finite
from zoo.run.packing import pack

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class State:
    """Everything beside the networks."""

    step: int
    """Steps done."""
    seconds: float
    """Time spent in training."""
    parts: dict[str, Any]
    """The state dicts of the parts of a run (optimisers, EMA, random numbers, position in the data, …) by name."""


class NotFiniteError(RunError):
    """A state that holds numbers which are none, and is not kept."""


@dataclass(frozen=True)
class Snapshot:
    """What a checkpoint is written from. Nothing in it changes when the run goes on."""

    step: int
    seconds: float
    parts: dict[str, Any]
    """As JSON holds them; the tensors in them are those of the table ``state``."""
    tables: dict[str, Tensors]
    """The tensors by the file that holds them: generator, discriminator, state; in the main memory."""


def take_snapshot(networks: Mapping[str, Tensors], state: State) -> Snapshot:
    """Copy both networks' state dicts and the state.

    Raises RunError for what a checkpoint cannot hold, NotFiniteError for nan, infinite numbers and weights that are next to it:
    what has diverged is to replace no good checkpoint.
    """
    tensors: Tensors = {}
    try:
        parts = {name: pack(part, name, tensors) for name, part in state.parts.items()}
    except TypeError as error:
        raise RunError(f"the checkpoint of step {state.step} cannot be written: {error}") from None
    tables = _copied({**networks, "state": tensors})
    for role, table in tables.items():
        if reason := not_finite(table, weights=EMA_WEIGHTS if role == "state" else ""):
            raise NotFiniteError(reason if role == "state" else f"the {role}'s {reason}")
    return Snapshot(state.step, state.seconds, parts, tables)


EMA_WEIGHTS = "ema.weights."
"""What the names of averaged weights begin with."""


def _copied(tables: Mapping[str, Tensors]) -> dict[str, Tensors]:
    """The tensors in memory of their own: safetensors refuses two names for one memory, as tied weights have.

    From a GPU they are copied into memory that it reaches by itself, all of them at once, and waited for in the end.
    """
    import torch

    devices = set()
    copied: dict[str, Tensors] = {}
    for role, table in tables.items():
        copied[role] = {}
        for name, value in table.items():
            value = value.detach()
            if value.device.type != "cuda":
                copied[role][name] = value.cpu().clone(memory_format=torch.contiguous_format)
                continue
            place = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
            copied[role][name] = place.copy_(value.contiguous(), non_blocking=True)
            devices.add(value.device)
    for device in devices:
        torch.cuda.synchronize(device)
    return copied
