"""All monitors of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.engine.health.collapse import Collapsed
from zoo.engine.health.growth import Exploded
from zoo.engine.health.numbers import NotFinite, ScaleCollapsed
from zoo.engine.health.overfitting import Overfitted
from zoo.engine.health.winning import DiscriminatorWon


class Health:
    """What the monitors of a run keep from check to check; part of every checkpoint."""

    def __init__(self) -> None:
        self.not_finite = NotFinite()
        self.scale_collapsed = ScaleCollapsed()
        self.exploded = Exploded()
        self.discriminator_won = DiscriminatorWon()
        self.collapsed = Collapsed()
        self.overfitted = Overfitted()
        self.begun = False
        """Whether the norms of the first weights are known."""

    @property
    def _all(self) -> dict[str, Any]:
        return {name: monitor for name, monitor in vars(self).items() if hasattr(monitor, "kind")}

    @property
    def last_ok_steps(self) -> set[int]:
        """For each monitor the step of the last check that passed: what it would go back to, should it report trouble."""
        return {monitor.last_ok_step for monitor in self._all.values()}

    def state_dict(self) -> dict[str, Any]:
        """What they keep."""
        return {"begun": self.begun, **{name: monitor.state_dict() for name, monitor in self._all.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.begun = bool(state["begun"])
        for name, monitor in self._all.items():
            monitor.load_state_dict(state[name])
