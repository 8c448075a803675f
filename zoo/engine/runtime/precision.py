"""The arithmetic of a step: which type the passes run in, and the scaling that float16 needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from zoo.system.processor import bfloat16_instructions


def precision_advice(name: str, device: torch.device) -> str:
    """A line for a training that float32 would make faster; empty for others."""
    if name != "bfloat16" or device.type != "cpu" or bfloat16_instructions() != []:
        return ""
    return (
        "--precision bfloat16: this processor has no fast instructions for it (AMX, or AVX512-BF16 of AMD's), and float32 is "
        "faster here"
    )


class Precision:
    """Autocast to `name` on a device; weights, optimiser states and losses stay float32.

    float16 multiplies the loss with a scale that adapts to what its range can hold (`torch.amp.GradScaler`); an update
    whose gradients overflow is left out. The two networks share one scale.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.dtype = getattr(torch, name)
        self.device = device
        self._scaler = torch.amp.GradScaler(device.type, enabled=name == "float16")

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which a phase's forward pass runs."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def backward(self, loss: Tensor, parameters: Sequence[Tensor], again: bool = False) -> None:
        """Add the gradients of the loss with respect to these parameters; no other gradient is computed.

        `again`: another loss will go back the same way.
        """
        self._scaler.scale(loss).backward(inputs=parameters, retain_graph=again)  # type: ignore[no-untyped-call]

    def update(self, *optimizers: Optimizer) -> None:
        """Let the optimisers take their steps, whose gradients have been computed with the same scale."""
        for optimizer in optimizers:
            if self._scaler.is_enabled():
                self._scaler.step(optimizer)
            else:
                optimizer.step()
        if optimizers and self._scaler.is_enabled():
            self._scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """The scale and its history, as plain numbers; empty where nothing is scaled."""
        return dict(self._scaler.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        if state:
            self._scaler.load_state_dict(dict(state))
