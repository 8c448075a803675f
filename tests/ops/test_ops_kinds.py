"""Activations, orders and losses are enumerated once in Python and once in C++, and both agree."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from zoo.objective import FUSED
from zoo.ops import kinds
from zoo.ops.kinds import Activation, Loss, Order, Padding

ROOT = Path(__file__).parents[2]
HEADER = ROOT / "csrc/kinds.h"


def enumerations(source: str) -> dict[str, dict[str, int]]:
    """``enum class NAME : TYPE { one = 0, … };`` of a header: name → enumerator → value."""
    source = re.sub(r"//.*", "", source)
    return {
        name: {each: int(value) for each, value in re.findall(r"(\w+)\s*=\s*(\d+)", body)}
        for name, body in re.findall(r"enum class (\w+)\s*:\s*\w+\s*\{(.*?)\}", source, re.DOTALL)
    }


def values(enumeration: type[IntEnum]) -> dict[str, int]:
    return {each.name: each.value for each in enumeration}


def test_the_parser_reads_an_enumeration():
    source = "// enum class No : int { a = 9 };\nenum class Yes : int64_t {\n  one = 0,\n  two = 1,  // x = 7\n};\n"
    assert enumerations(source) == {"Yes": {"one": 0, "two": 1}}


@pytest.mark.parametrize("enumeration", [Activation, Loss, Order, Padding], ids=lambda e: e.__name__)
def test_the_header_of_the_kernels_has_the_same_names_and_values(enumeration):
    assert enumerations(HEADER.read_text("utf-8"))[enumeration.__name__] == values(enumeration)


@pytest.mark.parametrize(
    ("enumeration", "names"),
    [(Activation, kinds.ACTIVATIONS), (Order, kinds.ORDERS), (Loss, kinds.LOSSES), (Padding, kinds.PADDINGS)],
)
def test_names_are_found_by_value(enumeration, names):
    assert [enumeration[name].value for name in names] == list(range(len(enumeration)))


def test_a_name_has_its_value_in_the_schemas():
    for activation in Activation:
        assert kinds.activation_code(activation.name, 0.5) == activation
    for order in Order:
        assert kinds.order_code(order.name) == order
    for loss in Loss:
        assert kinds.loss_code(loss.name) == loss
    for padding in Padding:
        assert kinds.padding_code(padding.name) == padding
    assert kinds.activation_code("leaky_relu", 0.0) == Activation.relu
    assert type(kinds.activation_code("tanh", 0.0)) is int, "which torch.compile puts into its graphs"


@pytest.mark.parametrize(
    ("call", "name", "words"),
    [
        (lambda name: kinds.activation_code(name, 0.0), "tahn", "unknown activation 'tahn'; did you mean 'tanh'?"),
        (kinds.order_code, "act_nrom", "unknown order 'act_nrom'; did you mean 'act_norm'?"),
        (kinds.loss_code, "hindge", "unknown kind of loss 'hindge'; did you mean 'hinge'?"),
        (kinds.padding_code, "reflct", "unknown padding 'reflct'; did you mean 'reflect'?"),
    ],
)
def test_an_unknown_name_is_refused_with_one_that_is_near(call, name, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call(name)


def test_the_fused_objectives_of_zoo_are_these_losses():
    """`zoo.objective`, which imports no torch, lists them itself."""
    assert tuple(Loss.__members__) == FUSED
