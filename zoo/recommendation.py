"""What an architecture says of data that nobody has chosen an architecture for. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from zoo.errors import PluginError


@dataclass(frozen=True)
class Recommendation:
    """An architecture's offer to train on some data, of which ``zoo train ./pictures`` takes the strongest.

    Raises PluginError for what is none.
    """

    preset: str | None
    """The preset that suits; None for the options' own defaults."""
    reason: str
    """Why, in a clause that follows "why: 3,800 pictures without labels;": lower case, without a full stop."""
    strength: float = 0.5
    """From 0, for what would do, to 1, for what nothing else is better at. Of equal ones the first by name is taken."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options that are to be set on top of the preset, by name, as ``hold_out``; what is given by hand or in a file beats them."""
    first_shapes: int | None = None
    """Steps after which something can be made out in the samples, about; None where nobody has looked."""

    def __post_init__(self) -> None:
        """Raise PluginError for what is no recommendation."""
        if self.preset is not None and not isinstance(self.preset, str):
            raise PluginError(f"Recommendation(preset={self.preset!r}): give the name of a preset, or None")
        if not isinstance(self.reason, str) or not self.reason.strip() or "\n" in self.reason:
            raise PluginError(f"Recommendation(reason={self.reason!r}): give a clause of one line")
        if isinstance(self.strength, bool) or not isinstance(self.strength, Real) or not 0 <= self.strength <= 1:
            raise PluginError(f"Recommendation(strength={self.strength!r}): give a number from 0 to 1")
        if not isinstance(self.options, Mapping):
            raise PluginError(f"Recommendation(options={self.options!r}): give values by the options' names")
        steps = self.first_shapes
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise PluginError(f"Recommendation(first_shapes={steps!r}): give steps, 1 or more, or None")
