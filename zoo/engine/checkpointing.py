"""What a checkpoint holds, so that a run goes on exactly as if it had never stopped: a loop over named parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from zoo.engine.build import TrainingState
from zoo.engine.optim.saved import SavedOptimizer
from zoo.errors import RunError
from zoo.run.checkpoint import State


class Stateful(Protocol):
    """What keeps something from step to step."""

    def state_dict(self) -> Mapping[str, Any]:
        """What it keeps: tensors, numbers, texts, and lists and dictionaries of them."""

    def load_state_dict(self, state: Any) -> Any:
        """Go on from a `state_dict`."""


def parts(state: TrainingState) -> dict[str, Stateful]:
    """The parts of a run beside its networks, by name."""
    step = state.step
    found: dict[str, Stateful] = {
        "step": step,
        "batches": state.batches,
        "latents": step.latents,
        "precision": step.precision,
        **{f"optimizer.{name}": SavedOptimizer(optimizer) for name, optimizer in step.optimizers.items()},
    }
    if state.ema is not None:
        found["ema"] = state.ema
    objective: Any = step.objective
    if hasattr(objective, "state_dict") and hasattr(objective, "load_state_dict"):
        found["objective"] = objective
    return {**found, "random": state.random}  # last, in case that another part draws as it is loaded


def networks(state: TrainingState) -> dict[str, dict[str, Tensor]]:
    """The state dicts of both networks."""
    return {role: getattr(state.step, role).state_dict() for role in ("generator", "discriminator")}


def save_state(state: TrainingState, step: int, seconds: float) -> State:
    """The state after so many steps, in which so many seconds were spent."""
    return State(step, seconds, {name: dict(part.state_dict()) for name, part in parts(state).items()})


def load_state(state: TrainingState, saved: State) -> None:
    """Set everything but the networks to a saved state. Raises RunError where it does not fit."""
    for name, part in parts(state).items():
        try:
            part.load_state_dict(saved.parts[name])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else f"{name}: {error}"
            raise RunError(
                f"the checkpoint's state does not fit this run: {reason}; was config.json changed?"
            ) from error
