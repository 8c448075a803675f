"""Weights and losses that grow beyond all bounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.readings import Readings

WEIGHTS = 50.0
"""A network's weights have exploded whose norm is so many times that of its first weights."""
LOSSES = 100.0
"""A loss has exploded that is so many times the median of those before, and 1 at least."""
REMEMBERED = 32
"""Losses that the median is taken of."""


class Exploded:
    """Tells where a network's weights are many times what they were, or a loss is many times what is usual."""

    kind = "exploded"

    def __init__(self) -> None:
        self._weights = {role: Monitor(patience=1, steps=0) for role in ("generator", "discriminator")}
        self._losses = {name: Monitor() for name in ("g_loss", "d_loss")}
        self._first: dict[str, float] = {}
        self._usual: dict[str, list[float]] = {name: [] for name in self._losses}

    @property
    def last_ok_step(self) -> int:
        """The step of the last check that passed."""
        return min(monitor.last_ok_step for monitor in (*self._weights.values(), *self._losses.values()))

    def begin(self, weights: Mapping[str, float]) -> None:
        """Measure by these norms from now on: those of a run that begins."""
        self._first = dict(weights)

    def update(self, readings: Readings) -> Trouble | None:
        """Where a network or a loss is beyond its bound."""
        found: list[Trouble] = []
        step = readings.step
        for role, monitor in self._weights.items():
            norm = readings.weights.get(role, 0.0)
            first = self._first.setdefault(role, norm)
            if monitor.update(step, ok=not norm > WEIGHTS * max(first, 1e-12)):
                message = f"the {role}'s weights have grown to {norm / max(first, 1e-12):,.0f} times their first norm"
                found.append(
                    Trouble(self.kind, step, monitor.last_ok_step, message, {"norm": norm, "first": first}, role)
                )
        for name, monitor in self._losses.items():
            size, usual = abs(readings.statistics.get(name, 0.0)), self._usual[name]
            bound = LOSSES * max(1.0, statistics.median(usual)) if usual else float("inf")
            ok = not size > bound
            if ok:
                usual[:] = [*usual, size][-REMEMBERED:]
            if monitor.update(step, ok):
                role = "generator" if name == "g_loss" else "discriminator"
                message = (
                    f"{name} is {readings.statistics[name]:.3g}, {size / bound * LOSSES:,.0f} times what was usual"
                )
                found.append(
                    Trouble(self.kind, step, monitor.last_ok_step, message, {"loss": size, "bound": bound}, role)
                )
        return found[0] if found else None

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        monitors = {name: monitor.state_dict() for name, monitor in (*self._weights.items(), *self._losses.items())}
        return {"monitors": monitors, "first": dict(self._first), "usual": {n: list(v) for n, v in self._usual.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        for name, monitor in (*self._weights.items(), *self._losses.items()):
            monitor.load_state_dict(state["monitors"][name])
        self._first = {role: float(norm) for role, norm in state["first"].items()}
        self._usual = {name: [float(value) for value in values] for name, values in state["usual"].items()}
