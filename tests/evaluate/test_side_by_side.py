"""``zoo evaluate A B``: several are judged alike and shown side by side, and what does not compare is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import assert_refused

COMMON = ("--against", "real.npy", "--metric", "kid", "frechet", "--extractor", "random")


@pytest.fixture
def fakes() -> None:
    """Noise of 16×16: real ones, and two sets of others, of which one has more."""
    for name, count, seed in (("real", 200, 0), ("one", 60, 1), ("other", 80, 2)):
        np.save(f"{name}.npy", np.random.default_rng(seed).integers(0, 256, (count, 16, 16), dtype=np.uint8))


def test_two_that_compare_have_a_column_each_with_the_numbers_of_each_alone(cli, fakes):
    outcome = cli("evaluate", "one.npy", "other.npy", *COMMON, "--samples", 60)
    assert outcome.code == 0
    assert {line.split(":")[0] for line in outcome.err.splitlines()} == {"frechet has no unbiased distance"}
    assert outcome.out.split("\n")[0].split() == ["metric", "number", "one.npy", "other.npy", "real", "halves"]
    told = json.loads(cli("evaluate", "one.npy", "other.npy", *COMMON, "--samples", 60, "--json").out)
    assert told["incomparable"] == []
    for found, name in zip(told["evaluations"], ("one.npy", "other.npy"), strict=True):
        alone = json.loads(cli("evaluate", name, *COMMON, "--samples", 60, "--json").out)
        assert found == {"what": name, **alone}
        assert f"{alone['scores']['kid']['kid']['value']:.4g}" in outcome.out


def test_what_does_not_compare_is_not_shown_and_the_reason_is(cli, fakes):
    outcome = cli("evaluate", "one.npy", "other.npy", *COMMON)
    assert outcome.code == 2
    assert outcome.out.count("does not compare") > 2
    assert "other.npy does not compare by kid, frechet: they differ in number of samples (60, 80); judge" in outcome.out
    told = cli("evaluate", "one.npy", "other.npy", *COMMON, "--json")
    assert told.code == 2
    differs = ["number of samples (60, 80)"]
    assert json.loads(told.out)["incomparable"] == [
        {"what": "other.npy", "metric": metric, "differs": differs} for metric in ("kid", "frechet")
    ]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["0 things to judge", "give 1 to 12", "a run"]),
        ([f"{place}.npy" for place in range(13)], ["13 things to judge", "1 to 12"]),
        (["one.npy", "other.npy", *COMMON, "--copies", "pairs.png"], ["--copies pairs.png", "one thing to judge"]),
        (["one.npy", "gone.npy", *COMMON], ["gone.npy"]),
    ],
    ids=["none", "many", "copies", "gone"],
)
def test_a_mistake_is_one_line(cli, fakes, words, parts):
    assert_refused(cli("evaluate", *words), *parts)


def test_one_that_is_not_there_takes_nothing_from_the_others(cli, fakes):
    outcome = cli("evaluate", "one.npy", "gone.npy", "other.npy", *COMMON, "--samples", 60)
    assert outcome.code == 2
    assert outcome.out.split("\n")[0].split() == ["metric", "number", "one.npy", "other.npy", "real", "halves"]
    assert "gone.npy" in outcome.err.splitlines()[-1]
