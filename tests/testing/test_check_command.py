"""``zoo check NAME``."""

from __future__ import annotations

import json

import pytest

from zoo.testing import CHECKS

pytestmark = pytest.mark.usefixtures("toys")


def test_the_command_has_a_line_for_each_check_and_tells_of_those_that_failed_whole(cli):
    outcome = cli("check", "detached", "--only", "gradients", "labels", "shapes")
    assert outcome.code == 1
    rows = [line.split()[:2] for line in outcome.out.splitlines() if line.startswith(("passed", "failed"))]
    assert rows == [["passed", "shapes"], ["failed", "gradients"]]
    assert "skipped  labels" in outcome.out
    assert "detached fails the check 'gradients': Within a few steps" in outcome.out
    assert "1 passed, 1 failed, 1 skipped, in" in outcome.out


def test_the_summary_has_each_state_that_came_up(cli):
    outcome = cli("check", "good", "--only", "documented", "labels")
    assert outcome.code == 0, "a check that is skipped is no failure"
    assert "1 passed, 1 skipped, in" in outcome.out
    assert "failed" not in outcome.out


def test_the_command_is_content_where_nothing_fails(cli):
    outcome = cli("check", "good", "--without", "compiled", "seed", "resume", "--latent", "3")
    assert (outcome.code, outcome.err) == (0, "")
    assert "fails" not in outcome.out


def test_the_command_tells_the_same_as_json(cli):
    outcome = cli("check", "detached", "--preset", "quick", "--only", "gradients", "labels", "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert (told["architecture"], told["preset"], told["options"]["batch_size"]) == ("detached", "quick", 8)
    first, second = told["checks"]
    assert (first["check"], first["state"]) == ("gradients", "failed")
    assert "generator.hidden.weight" in first["found"]
    assert first["again"].startswith("zoo check detached --only gradients")
    assert (second["check"], second["state"], second["reason"]) == ("labels", "skipped", "it is not conditional")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["goood"], "unknown architecture 'goood'; did you mean 'good'?"),
        (["good", "--only", "learn"], "unknown check 'learn'; did you mean 'learning'?"),
        (["--preset", "quick"], "zoo check takes the architecture's name first"),
        (["good", "--preset", "quik"], "unknown preset of good 'quik'; did you mean 'quick'?"),
        (["good", "--data", "digits"], "zoo check chooses --data itself; leave it out"),
        (["good", "--no-each-epoch"], "zoo check chooses --each-epoch itself; leave it out"),
        (["good", "--only"], "give the names of checks after --only: documented, presets, "),
        (["good", "--without", "--steps", "2"], "give the names of checks after --without"),
        (["good", "--device", "cuda:99"], "--device cuda:99"),
        (["good", "--objective", "nope"], "unknown --objective 'nope'"),
        (["good", "--batch-size", "0"], "--batch-size: 0 does not fit"),
    ],
    ids=str,
)
def test_a_mistake_of_the_callers_is_exit_code_2(cli, arguments, told):
    outcome = cli("check", *arguments)
    assert outcome.code == 2
    assert told in outcome.message


def test_help_lists_every_check(cli):
    outcome = cli("check", "--help")
    assert outcome.code == 0
    assert [name for name, check in CHECKS.items() if f"{name} " not in outcome.out] == []
    assert [check.sentence for check in CHECKS.values() if check.sentence not in outcome.out] == []
