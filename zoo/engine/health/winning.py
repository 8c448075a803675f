"""A discriminator that has won: it is sure of every image, and the generator learns nothing from it any more."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.readings import Readings
from zoo.objective import Objective

SURE = {"non_saturating": 0.995, "minimax": 0.995, "relativistic": 0.995, "least_squares": 0.97, "hinge": 0.97}
"""How sure D is who has won, for long (`sureness`), by the objective: what it says of images that it is sure of is at hand of a
cross-entropy whatever G does in the first steps, and is the end of the way for the others."""
VANISHED = 1e-3
"""G's gradients have vanished that are that share of their median in the first checks."""
FIRST = 8
"""Looks that this median is taken of."""


def sureness(objective: Objective, values: Mapping[str, float]) -> float | None:
    """How near D is to what its loss asks for, in its mean over real images and over fakes, whichever is farther: 1 is there.

    Of cross-entropies D(x) and 1 - D(G(z)). Of relativistic pairing, the cross-entropy of which of two images is the real one,
    sigmoid(D(x) - D(G(z))) of the two means: a half where D tells them apart no better than chance. Of least squares the way from
    `a` to `b` that D's output has gone, and of hinge that from -1 to 1, beyond which its loss is 0. Of Wasserstein's, which knows
    no end, and of objectives that zoo does not know, None.
    """
    if "d_real" not in values or "d_fake" not in values:
        return None
    if objective.kind == "relativistic":
        difference = values["d_real"] - values["d_fake"]
        return 0.5 + 0.5 * math.tanh(difference / 2)  # the sigmoid, of any number
    ends = {"non_saturating": (0.0, 1.0), "minimax": (0.0, 1.0), "hinge": (-1.0, 1.0)}
    ends["least_squares"] = (getattr(objective, "a", 0.0), getattr(objective, "b", 1.0))
    if objective.kind not in ends:
        return None
    fake, real = ends[objective.kind]
    return min((values["d_real"] - fake) / (real - fake), (real - values["d_fake"]) / (real - fake))


class DiscriminatorWon:
    """Tells where D is sure for long, or G's gradients have vanished."""

    kind = "discriminator_won"

    def __init__(self) -> None:
        self._sure = Monitor()
        self._vanished = Monitor()
        self._first: list[float] = []

    @property
    def last_ok_step(self) -> int:
        """The step of the last check that passed."""
        return min(self._sure.last_ok_step, self._vanished.last_ok_step)

    def update(self, readings: Readings, objective: Objective) -> Trouble | None:
        """Where one of the two has been so for long."""
        step, values = readings.step, readings.statistics
        sure = sureness(objective, values)
        if self._sure.update(step, ok=not (sure is not None and sure >= SURE[objective.kind])):
            outputs = f"{values['d_real']:.4g} of real images and {values['d_fake']:.4g} of fakes"
            message = f"the discriminator has won: it says {outputs}, which is all that its loss asks for"
            return Trouble(self.kind, step, self._sure.last_ok_step, message, {"sureness": sure or 0.0})
        slope = readings.gradients.get("generator")
        if slope is None:
            self._vanished.update(step, ok=True)
            return None
        usual = statistics.median(self._first) if self._first else slope
        vanished = slope <= VANISHED * usual
        if not vanished and len(self._first) < FIRST:
            self._first.append(slope)
        if self._vanished.update(step, ok=not vanished):
            message = f"the generator's gradients have vanished: their norm is {slope:.2g}, and was {usual:.2g}"
            return Trouble(self.kind, step, self._vanished.last_ok_step, message, {"gradient": slope, "usual": usual})
        return None

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        return {
            "sure": self._sure.state_dict(),
            "vanished": self._vanished.state_dict(),
            "first": list(self._first),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._sure.load_state_dict(state["sure"])
        self._vanished.load_state_dict(state["vanished"])
        self._first = [float(value) for value in state["first"]]
