"""A generator that draws the same image again and again: how its fixed-latent grid differs within itself, against the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.variety import spread

FEWEST = 8
"""Images in a grid below which nothing is said of its variety."""
FALLEN = 0.3
"""A generator has collapsed whose variety is that share of the most that it has shown."""
SHOWN = 0.2
"""The variety, as a share of the data's, that it must have shown for that."""
LEAST = 0.02
"""The variety below which it has collapsed whatever it has shown, from step `LATE` on."""
LATE = 2000
"""Steps by which any generator draws images that differ."""


class Collapsed:
    """Tells where the grid's variety has fallen, in two grids one after the other."""

    kind = "collapsed"

    def __init__(self) -> None:
        self._monitor = Monitor(patience=2, steps=0)
        self._most = 0.0

    @property
    def last_ok_step(self) -> int:
        """The step of the last check that passed."""
        return self._monitor.last_ok_step

    def update(self, step: int, grid: Tensor, labels: Tensor | None, usual: float) -> Trouble | None:
        """Where a grid (N, D) of `zoo.engine.health.variety.small` images has lost its variety; `usual` is the data's."""
        if len(grid) < FEWEST or usual <= 0:
            self._monitor.update(step, ok=True)
            return None
        found = spread(grid, labels) / usual
        self._most = max(self._most, found)
        fallen = self._most >= SHOWN and found < FALLEN * self._most
        ok = not (fallen or (step >= LATE and found < LEAST))
        if not self._monitor.update(step, ok):
            return None
        where = "images of one class" if labels is not None else "the grid's images"
        message = f"the generator has collapsed: {where} differ by {found:.1%} of what the data's do, and did by {self._most:.1%}"
        return Trouble(self.kind, step, self.last_ok_step, message, {"variety": found, "most": self._most}, "generator")

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        return {"monitor": self._monitor.state_dict(), "most": self._most}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._monitor.load_state_dict(state["monitor"])
        self._most = float(state["most"])
