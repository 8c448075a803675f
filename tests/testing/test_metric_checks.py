"""``zoo check METRIC`` and `zoo.testing.check_metric`: metrics that come with zoo pass, and each broken promise is found."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zoo
from zoo.data.registry import open_source
from zoo.evaluate.extractors.choose import Choice
from zoo.testing import METRIC_CHECKS, check_metric

PLUGIN = '''
import itertools
import zoo

COUNT = itertools.count()

class Broken(zoo.Metric):
    """Keeps what PROMISE does not say."""
    name, summary, numbers, best = "broken", "Nothing.", {"value": "a number"}, {"value": "lowest"}
    BEST

    def compute(self, context):
        return NUMBERS

@zoo.hookimpl
def zoo_register_metrics(register):
    register(Broken)
'''


@pytest.fixture
def context(tmp_path):
    """Makes contexts of noise beside noise."""
    for seed, name in enumerate(("fakes", "real")):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(seed).integers(0, 256, (200, 12, 12), dtype=np.uint8))
    sources = [open_source(str(tmp_path / f"{name}.npy")) for name in ("fakes", "real")]
    return lambda: zoo.evaluate.PicturesContext(*sources, choice=Choice("random"))


@pytest.mark.parametrize("name", ["frechet", "kid", "precision_recall", "density_coverage", "copies"])
def test_a_metric_that_comes_with_zoo_keeps_its_promises(name, context):
    outcomes = check_metric(name, context=context)
    assert [(each.check, each.state) for each in outcomes] == [(check, "passed") for check in METRIC_CHECKS]


@pytest.mark.parametrize(
    ("check", "best", "numbers"),
    [
        ("repeats", "", '{"value": next(COUNT)}'),
        ("finite", "", '{"value": float("inf")}'),
        ("finite", "", '{"value": zoo.Estimate(1, 0, float("nan"))}'),
        ("finite", "best = {}", "{}"),
        ("ordered", "", '{"value": zoo.Estimate(1.0, 2.0, 3.0)}'),
        ("best", 'best = {"other": "highest"}', '{"value": 1}'),
        ("documented", 'summary = ""', '{"value": 1}'),
        ("documented", "numbers = {}", '{"value": 1}'),
    ],
)
def test_a_promise_that_is_broken_is_found(install, context, check, best, numbers):
    install(PLUGIN.replace("BEST", best).replace("NUMBERS", numbers), "zoo_broken")
    (outcome,) = check_metric("broken", context=context, only=[check])
    assert outcome.state == "failed"
    assert "broken fails the check" in str(outcome)
    assert f"zoo check broken --only {check}" in str(outcome)


def test_a_metric_that_suits_nothing_is_skipped_with_the_reason(context):
    (outcome,) = check_metric("classes", context=context, only="finite")
    assert outcome.state == "skipped"
    assert "the data has no labels" in outcome.reason


COLOURS = PLUGIN.replace(
    "BEST",
    """
    def unsuited(self, context):
        return None if context.spec.channels == 3 and context.source.classes > 1 else "it is for colours and classes"
""",
)


def test_a_metric_that_does_not_suit_digits_is_checked_on_colour_pictures_of_classes(install):
    install(COLOURS.replace("NUMBERS", '{"value": float(context.pixels.float().mean())}'), "zoo_broken")
    assert [each.state for each in check_metric("broken")] == ["passed"] * len(METRIC_CHECKS)


def test_a_promise_is_found_broken_on_these_too(install):
    install(COLOURS.replace("NUMBERS", '{"value": float("nan")}'), "zoo_broken")
    (outcome,) = check_metric("broken", only="finite")
    assert outcome.state == "failed"


def test_the_command_checks_a_metric_and_tells_the_same_as_json(cli, install):
    outcome = cli("check", "classes")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split()[:2] for line in outcome.out.splitlines()] == [["passed", name] for name in METRIC_CHECKS]
    install(PLUGIN.replace("BEST", "").replace("NUMBERS", '{"value": next(COUNT)}'), "zoo_broken")
    outcome = cli("check", "broken", "--json")
    assert outcome.code == 1
    states = {each["check"]: each["state"] for each in json.loads(outcome.out)["checks"]}
    assert states["repeats"] == "failed"
    outcome = cli("check", "broken", "--only", "finit")
    assert outcome.code == 2
    assert "did you mean 'finite'" in outcome.err


def test_a_metric_that_fails_is_told_once(install, context):
    install(PLUGIN.replace("BEST", "").replace("NUMBERS", "1 / 0"), "zoo_broken")
    states = {each.check: each.state for each in check_metric("broken", context=context)}
    assert states == {
        "documented": "passed",
        "repeats": "failed",
        "finite": "skipped",
        "ordered": "skipped",
        "best": "skipped",
    }


def test_a_name_that_is_almost_a_metrics_is_met_with_it(cli):
    outcome = cli("check", "frechett")
    assert outcome.code == 2
    assert "unknown architecture or metric 'frechett'; did you mean 'frechet'?" in outcome.err
