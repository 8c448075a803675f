"""The kinds of activations, orders, losses and paddings: each enumerated here, and nowhere else in Python.

A caller writes a name; the schemas carry its value (a string costs a copy per call). csrc/ has the same enumerations, which
a test holds against these.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from zoo import errors


class Activation(IntEnum):
    """What is applied to each element."""

    identity = 0
    relu = 1
    leaky_relu = 2
    tanh = 3


class Order(IntEnum):
    """Whether a layer normalises first, or activates first."""

    norm_act = 0
    act_norm = 1


class Loss(IntEnum):
    """The kinds of losses; formulas: `zoo.ops.discriminator_loss`, `zoo.ops.generator_loss`."""

    non_saturating = 0
    minimax = 1
    least_squares = 2
    hinge = 3
    wasserstein = 4


class Padding(IntEnum):
    """What lies beyond the edge of an image that is sampled there."""

    zeros = 0
    reflect = 1


# Names by value.
ACTIVATIONS: Final[tuple[str, ...]] = tuple(Activation.__members__)
ORDERS: Final[tuple[str, ...]] = tuple(Order.__members__)
LOSSES: Final[tuple[str, ...]] = tuple(Loss.__members__)
PADDINGS: Final[tuple[str, ...]] = tuple(Padding.__members__)

# Plain integers: these are looked up with every call, and torch.compile puts them into its graphs.
_ACTIVATION_CODES: Final = {each.name: each.value for each in Activation}
_ORDER_CODES: Final = {each.name: each.value for each in Order}
_LOSS_CODES: Final = {each.name: each.value for each in Loss}
_PADDING_CODES: Final = {each.name: each.value for each in Padding}
_RELU: Final = Activation.relu.value
_LEAKY_RELU: Final = Activation.leaky_relu.value


def activation_code(activation: str, slope: float) -> int:
    """The value of an activation; a leaky ReLU of slope 0 is a ReLU (0 × -inf must not become NaN).

    Raises:
        ValueError: for an unknown name or a negative (or NaN) slope.
    """
    code = _ACTIVATION_CODES.get(activation)
    if code is None:
        raise ValueError(errors.unknown("activation", str(activation), ACTIVATIONS))
    if code == _LEAKY_RELU:
        if not slope >= 0:
            raise ValueError(f"slope is {slope}; a leaky ReLU takes a slope of 0 or more")
        if slope == 0:
            return _RELU
    return code


def order_code(order: str) -> int:
    """The value of an order. Raises ValueError for an unknown name."""
    code = _ORDER_CODES.get(order)
    if code is None:
        raise ValueError(errors.unknown("order", str(order), ORDERS))
    return code


def loss_code(kind: str) -> int:
    """The value of a kind of loss. Raises ValueError for an unknown name."""
    code = _LOSS_CODES.get(kind)
    if code is None:
        raise ValueError(errors.unknown("kind of loss", str(kind), LOSSES))
    return code


def padding_code(padding: str) -> int:
    """The value of a padding. Raises ValueError for an unknown name."""
    code = _PADDING_CODES.get(padding)
    if code is None:
        raise ValueError(errors.unknown("padding", str(padding), PADDINGS))
    return code
