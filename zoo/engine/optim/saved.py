"""What an optimiser keeps of its parameters, for a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class SavedOptimizer:
    """An optimiser's state as a part of a checkpoint: any of torch's kind, with no word of which.

    Its settings (``param_groups``) are not among it: they are those of the run's options, and change with the step.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        """What is kept of each parameter that has been given a gradient, by the parameter's number."""
        return {"state": self._optimizer.state_dict()["state"]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`. Raises ValueError for a tensor of another shape than its parameter's."""
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        kept = {
            int(number): {
                key: _as_it_lies(value, parameters[int(number)], f"{number}.{key}") for key, value in each.items()
            }
            for number, each in state["state"].items()
        }
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _as_it_lies(value: Any, parameter: Tensor, name: str) -> Any:
    """A tensor of a parameter's shape in the parameter's layout: fused optimisers walk through the memory of both alike."""
    if not isinstance(value, Tensor) or not value.dim():
        return value
    if value.shape != parameter.shape:
        raise ValueError(f"{name} is {tuple(value.shape)}, its parameter {tuple(parameter.shape)}")
    return torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)
