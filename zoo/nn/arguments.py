"""Arguments of the modules, checked where they are given rather than in the first step of a training."""

from __future__ import annotations

from zoo import errors
from zoo.ops.kinds import ACTIVATIONS


def check_choice(kind: str, given: str, known: tuple[str, ...]) -> None:
    """Raises ValueError for a name that is not among `known`."""
    if given not in known:
        raise ValueError(errors.unknown(kind, str(given), known))


def check_activation(activation: str, slope: float) -> None:
    """Raises ValueError for an unknown activation or a negative slope."""
    check_choice("activation", activation, ACTIVATIONS)
    if not slope >= 0:
        raise ValueError(f"slope is {slope}; 0 or more is needed")


def describe_activation(activation: str, slope: float) -> str:
    """The part of `extra_repr` that plain layers lack."""
    return f"activation={activation!r}" + (f", slope={slope:g}" if activation == "leaky_relu" else "")
