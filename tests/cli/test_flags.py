"""Flags that do not fit are refused in a line, before anything is loaded, with what would have fitted."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
import tyro
from support import assert_refused

from zoo.cli.flags import check_flags, is_list
from zoo.errors import OptionError

TYPES = {
    "run": tyro.conf.Positional[str],
    "count": int,
    "rate": float | None,
    "learning_rate": float,
    "order": Literal["shuffle", "slice"],
    "channels": Literal[1, 3] | None,
    "labels": Annotated[str | None, tyro.conf.arg(aliases=("--class",))],
    "label": Annotated[str | None, tyro.conf.arg(name="kind")],
    "raw": bool,
    "names": tuple[str, ...] | None,
}


@pytest.mark.parametrize(
    "line",
    ["", "x --count 3", "--count=3", "--learning-rate 1e-3", "--learning_rate 3", "--rate None", "--order slice", "--raw",
     "--class 3", "--labels 3", "--kind x", "--help", "--count -3", "--names a b", "--names", "--channels 3", "--count",
     "-- --nope", "--no-raw", "--no-raw --raw", "--count 1 --count 2", "--labels --raw"],
)  # fmt: skip
def test_what_may_fit_is_left_to_the_parser(line):
    check_flags(line.split(), TYPES, "zoo x")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--nope 3", "unknown option '--nope' (zoo x --help)"),
        ("--run x", "unknown option '--run' (zoo x --help)"),
        ("--label x", "unknown option '--label'; did you mean --labels? (zoo x --help)"),
        ("--learning-rat 3", "unknown option '--learning-rat'; did you mean --learning-rate? (zoo x --help)"),
        ("--no-rw", "unknown option '--no-rw'; did you mean --no-raw? (zoo x --help)"),
        ("--count abc", "--count 'abc': give a whole number (zoo x --help)"),
        ("--count=1.5", "--count '1.5': give a whole number (zoo x --help)"),
        ("--learning_rate 1,5", "--learning_rate '1,5': give a number (zoo x --help)"),
        ("--rate x", "--rate 'x': give a number (zoo x --help)"),
        ("--order random", "--order 'random': give one of shuffle, slice (zoo x --help)"),
        ("--channels 2", "--channels '2': give one of 1, 3 (zoo x --help)"),
        ("--labels 1 --class 2", "--labels and --class are the same option; give one of them"),
        ("--names a --names b", "--names is given twice; write all of its values behind one: --names A B"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(line, message):
    with pytest.raises(OptionError) as refused:
        check_flags(line.split(), TYPES, "zoo x")
    assert str(refused.value) == message


def test_lists_are_told_from_single_values():
    assert [name for name, type_ in TYPES.items() if is_list(type_)] == ["names"]


@pytest.mark.parametrize(
    "line",
    ["train dcgan --nope 3", "train dcgan --learning-rat 3", "train dcgan --samples abc", "sample x --n abc",
     "resume x --capture maybe",
     "sample x --labels 1 --class 2", "evaluate x --sample 3", "bench --nope"],
)  # fmt: skip
def test_every_command_refuses_so(cli, line):
    assert_refused(cli(*line.split()), "--")
