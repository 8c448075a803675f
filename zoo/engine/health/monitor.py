"""What a monitor is: something that says at each look whether it is well, and tells of trouble once that lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKS = 4
"""Looks in a row that make trouble of what can pass by itself."""
STEPS = 150
"""Steps that lie between the first and the last of them at least: of runs that log each step, more looks."""


@dataclass(frozen=True)
class Trouble:
    """Something that has gone wrong with a training."""

    kind: str
    """Which: a key of `zoo.engine.health.policy.REMEDIES`."""
    step: int
    """Steps done when it was told."""
    well: int
    """Steps done at the last look before it began."""
    message: str
    """What it is, in half a sentence."""
    values: Mapping[str, float] = field(default_factory=dict)
    """The numbers that show it."""
    role: str | None = None
    """The network that it is about: generator, discriminator, or None."""


class Monitor:
    """Counts looks: trouble is what `looks` looks in a row find, over `steps` steps at least.

    It is told once; and once more where it comes back after as many looks that were well.
    """

    def __init__(self, looks: int = LOOKS, steps: int = STEPS) -> None:
        self.looks = looks
        self.steps = steps
        self.well = 0
        """The step of the last look that was well; 0 before the first."""
        self._bad: list[int] = []  # the steps of the first look that was not, and the number of them
        self._told = False
        self._recovered = 0

    def look(self, step: int, well: bool) -> bool:
        """Take note of a look after `step` steps; True where trouble is to be told."""
        if well:
            self.well, self._bad = step, []
            self._recovered += self._told
            if self._recovered >= self.looks:
                self._told, self._recovered = False, 0
            return False
        self._recovered = 0
        first, count = (*self._bad, step, 0)[:2]
        self._bad = [first, count + 1]
        if self._told or count + 1 < self.looks or step - first < self.steps:
            return False
        self._told = True
        return True

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from look to look."""
        return {"well": self.well, "bad": list(self._bad), "told": self._told, "recovered": self._recovered}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.well, self._bad = int(state["well"]), [int(number) for number in state["bad"]]
        self._told, self._recovered = bool(state["told"]), int(state["recovered"])
