"""Two ways to compute the same step, and how far apart they may be."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.testing.repeated_step import RepeatedStep

RELATIVE = 1e-3
"""How far a gradient may be off, as a share of the largest of its parameter, and a loss, as a share of itself."""
ABSOLUTE = 1e-4
"""How far besides: a gradient as a share of the largest of its network, for what is zero but for rounding; a loss by itself."""

TOLERANCE = (
    f"losses within {RELATIVE:g} of themselves and {ABSOLUTE:g} more; gradients within {RELATIVE:g} of the largest of their "
    f"parameter and {ABSOLUTE:g} of the largest of their network; in float32"
)


@dataclass(frozen=True)
class Measured:
    """The losses and gradients of one step."""

    losses: dict[str, Tensor]
    gradients: dict[str, Tensor]


def measure(repeated: RepeatedStep, number: int) -> Measured:
    """Run a step and read its losses and gradients; those of a network that is not updated in it are left out."""
    for parameter in repeated.parameters().values():
        parameter.grad = None
    losses = {name: value.detach().clone() for name, value in repeated.run(number).items() if name.endswith("_loss")}
    gradients = {
        name: parameter.grad.detach().clone()
        for name, parameter in repeated.parameters().items()
        if parameter.grad is not None
    }
    return Measured(losses, gradients)


def apart(one: Measured, other: Measured) -> list[str]:
    """What is not within the tolerance, each with how far it is off: ``d_loss is 0.69314 and 0.70102``."""
    found = []
    for name, value in one.losses.items():
        if not torch.allclose(value, other.losses[name], RELATIVE, ABSOLUTE):
            found.append(f"{name} is {float(value):.6g} and {float(other.losses[name]):.6g}")
    largest: dict[str, float] = {}
    for name, gradient in one.gradients.items():
        role = name.partition(".")[0]
        largest[role] = max(largest.get(role, 0.0), float(gradient.abs().max()))
    for name in sorted(one.gradients.keys() ^ other.gradients.keys()):
        found.append(f"the gradient of {name} is there in one of them only")
    for name, gradient in one.gradients.items():
        if name not in other.gradients:
            continue
        off = float((gradient - other.gradients[name]).abs().max())
        allowed = RELATIVE * float(gradient.abs().max()) + ABSOLUTE * largest[name.partition(".")[0]]
        if not off <= allowed:  # also where it is not a number
            found.append(f"the gradient of {name} is off by {off:.3g}, where {allowed:.3g} is allowed")
    return found
