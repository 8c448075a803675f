"""The order of classes."""

from __future__ import annotations

import random

import pytest

from zoo.data.class_names import is_number, ordered


@pytest.mark.parametrize(
    "names",
    [
        [str(number) for number in range(1, 13)],
        ["-10", "-2", "-1", "0", "2", "10"],
        ["-0.75", "-0.5", "0", "0.25", "0.5", "2", "10.5"],
        ["001", "2"],
        ["cat", "class-2", "class-10", "dog"],
        ["2", "10", "other"],
        ["a1b2", "a1b10", "a2b1"],
        ["9" * 5000, "1" + "0" * 5000],  # more digits than int() reads
        ["a", "b", "é", "中", "\udcff"],
    ],
)
def test_names_are_in_the_order_of_their_numbers_however_they_come(names):
    mixed = names * 2
    random.Random(0).shuffle(mixed)
    assert ordered(mixed) == names


def test_names_of_one_value_keep_an_order_of_their_own():
    assert ordered(["1", "01", "0"]) == ordered(["01", "0", "1"]) == ["0", "01", "1"]


def test_numbers_are_told_from_names():
    assert [name for name in ("7", "-7", "0.5", "07", "", "a", "1a", "1.", "٣") if is_number(name)] == [
        "7",
        "-7",
        "0.5",
        "07",
    ]
