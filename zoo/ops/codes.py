"""The names a caller writes and the integers that the schemas carry in their place (a string costs a copy per call)."""

from __future__ import annotations

from typing import Literal

from zoo import errors

Activation = Literal["identity", "relu", "leaky_relu", "tanh"]
Order = Literal["norm_act", "act_norm"]
LossKind = Literal["non_saturating", "minimax", "least_squares", "hinge", "wasserstein"]

# csrc/formulas.h numbers them in the same order.
ACTIVATIONS: dict[str, int] = {"identity": 0, "relu": 1, "leaky_relu": 2, "tanh": 3}
ORDERS: dict[str, int] = {"norm_act": 0, "act_norm": 1}
LOSS_KINDS: dict[str, int] = {"non_saturating": 0, "minimax": 1, "least_squares": 2, "hinge": 3, "wasserstein": 4}

ACTIVATION_NAMES: tuple[Activation, ...] = ("identity", "relu", "leaky_relu", "tanh")
ORDER_NAMES: tuple[Order, ...] = ("norm_act", "act_norm")
LOSS_KIND_NAMES: tuple[LossKind, ...] = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein")


def activation_code(activation: str, slope: float) -> int:
    """The code of an activation; a leaky ReLU of slope 0 is a ReLU (0 × -inf must not become NaN).

    Raises:
        ValueError: for an unknown name or a negative (or NaN) slope.
    """
    code = ACTIVATIONS.get(activation)
    if code is None:
        raise ValueError(errors.unknown("activation", str(activation), ACTIVATIONS))
    if code == 2:
        if not slope >= 0:
            raise ValueError(f"slope is {slope}; a leaky ReLU takes a slope of 0 or more")
        if slope == 0:
            return 1
    return code


def order_code(order: str) -> int:
    """The code of an order. Raises ValueError for an unknown name."""
    code = ORDERS.get(order)
    if code is None:
        raise ValueError(errors.unknown("order", str(order), ORDERS))
    return code


def loss_code(kind: str) -> int:
    """The code of a kind of loss. Raises ValueError for an unknown name."""
    code = LOSS_KINDS.get(kind)
    if code is None:
        raise ValueError(errors.unknown("kind of loss", str(kind), LOSS_KINDS))
    return code
