"""What a monitor is: a check that is made again and again, and reports trouble once it has failed for long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 4
"""Failed checks in a row that make trouble of what can pass by itself."""
STEPS = 150
"""Steps that lie between the first and the last of them at least: of runs that log each step, more checks."""


@dataclass(frozen=True)
class Trouble:
    """Something that has gone wrong with a training."""

    kind: str
    """Which: a key of `zoo.engine.health.policy.REMEDIES`."""
    step: int
    """Steps done when it was reported."""
    last_ok_step: int
    """Steps done at the last check before it began."""
    message: str
    """What it is, in half a sentence."""
    values: Mapping[str, float] = field(default_factory=dict)
    """The numbers that show it."""
    role: str | None = None
    """The network that it is about: generator, discriminator, or None."""


class Monitor:
    """Counts checks: trouble is what fails `patience` times in a row, over `steps` steps at least.

    It is reported once; and once more where it comes back after as many passed checks.
    """

    def __init__(self, patience: int = PATIENCE, steps: int = STEPS) -> None:
        self.patience = patience
        self.steps = steps
        self.last_ok_step = 0
        """The step of the last check that passed; 0 before the first."""
        self._bad: list[int] = []  # the steps of the first failed check, and the number of them
        self._reported = False
        self._recovered = 0

    def update(self, step: int, ok: bool) -> bool:
        """Count a check after `step` steps; True where trouble is to be reported."""
        if ok:
            self.last_ok_step, self._bad = step, []
            self._recovered += self._reported
            if self._recovered >= self.patience:
                self._reported, self._recovered = False, 0
            return False
        self._recovered = 0
        first, count = (*self._bad, step, 0)[:2]
        self._bad = [first, count + 1]
        if self._reported or count + 1 < self.patience or step - first < self.steps:
            return False
        self._reported = True
        return True

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        return {
            "last_ok_step": self.last_ok_step,
            "bad": list(self._bad),
            "reported": self._reported,
            "recovered": self._recovered,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.last_ok_step, self._bad = int(state["last_ok_step"]), [int(number) for number in state["bad"]]
        self._reported, self._recovered = bool(state["reported"]), int(state["recovered"])
