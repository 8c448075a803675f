"""Non-finite numbers: of losses, gradients and weights, and of what float16 multiplies the loss with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.readings import Readings

LEAST_SCALE = 1.0
"""The scale of the loss below which float16's range is lost: it begins at 65,536, and is halved at each overflow."""


class NotFinite:
    """Tells of the first number that is none."""

    kind = "not_finite"

    def __init__(self) -> None:
        self._monitor = Monitor(patience=1, steps=0)

    @property
    def last_ok_step(self) -> int:
        """The step of the last check that passed."""
        return self._monitor.last_ok_step

    def update(self, readings: Readings) -> Trouble | None:
        """Where a number is none. (An update that float16 leaves out reaches no weight, and no moment of gradients.)"""
        numbers = {
            **readings.statistics,
            **{f"{role}'s weights": norm for role, norm in readings.weights.items()},
            **{f"{role}'s gradients": norm for role, norm in readings.gradients.items()},
        }
        name = next((name for name, value in numbers.items() if not math.isfinite(value)), None)
        if name is not None:
            return self.found(readings.step, f"{name} is {numbers[name]}")
        self._monitor.update(readings.step, ok=True)
        return None

    def found(self, step: int, message: str) -> Trouble | None:
        """Take note of a number that is none, as `message` says; None where that was reported already."""
        if not self._monitor.update(step, ok=False):
            return None
        return Trouble(self.kind, step, self.last_ok_step, message)

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        return self._monitor.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._monitor.load_state_dict(state)


class ScaleCollapsed(NotFinite):
    """Tells where float16 overflows again and again, so that no update is done any more."""

    kind = "scale_collapsed"

    def update(self, readings: Readings) -> Trouble | None:
        """Where the scale is too small to be of use."""
        scale = math.inf if readings.scale is None else readings.scale
        if not self._monitor.update(readings.step, ok=scale >= LEAST_SCALE):
            return None
        message = (
            f"float16 overflows: the scale of the loss has fallen from 65,536 to {scale:.3g}, and updates are left out"
        )
        return Trouble(self.kind, readings.step, self.last_ok_step, message, {"scale": scale})
