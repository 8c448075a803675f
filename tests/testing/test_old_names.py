"""What version 1.0 of the plugin API called promises works, and says what it is called now."""

from __future__ import annotations

import json

import pytest

import zoo.testing
from zoo.deprecated import RENAMED
from zoo.testing.subject import Subject

pytestmark = pytest.mark.usefixtures("toys")


def test_the_deprecated_flag_works_and_says_what_it_is_called_now(cli):
    outcome = cli("check", "good", "--promise", "documented")
    assert (outcome.code, outcome.err) == (0, "zoo: --promise is deprecated; it is called --only now\n")
    assert "1 passed" in outcome.out
    outcome = cli("check", "good", "--json", "--promise=documented")
    assert (outcome.code, outcome.err) == (0, "zoo: --promise is deprecated; it is called --only now\n")
    assert [each["check"] for each in json.loads(outcome.out)["checks"]] == ["documented"]


@pytest.mark.parametrize("old", ["PROMISES", "Promise", "BrokenPromise", "NotChecked"])
def test_a_deprecated_name_is_the_new_one_and_says_so(old):
    new = RENAMED[f"zoo.testing.{old}"].removeprefix("zoo.testing.")
    with pytest.warns(DeprecationWarning, match=rf"zoo\.testing\.{old} is called zoo\.testing\.{new} since"):
        assert getattr(zoo.testing, old) is getattr(zoo.testing, new)


def test_the_deprecated_attributes_of_an_outcome_are_the_new_ones_and_say_so():
    (outcome,) = zoo.testing.check("detached", only=["gradients"])
    with pytest.warns(DeprecationWarning, match=r"Outcome\.promise is called Outcome\.check since") as told:
        assert outcome.promise == "gradients"
    assert told[0].filename == __file__, "the line that uses it"
    with pytest.warns(DeprecationWarning, match=r"Outcome\.broken is called Outcome\.failure since"):
        assert outcome.broken is outcome.failure is not None


def test_the_deprecated_argument_chooses_the_same_checks():
    with pytest.warns(DeprecationWarning, match="only="):
        (outcome,) = zoo.testing.check("good", promises=["documented"])
    assert (outcome.check, outcome.state) == ("documented", "passed")


def test_the_deprecated_method_of_a_check_runs_it():
    with Subject("good") as subject, pytest.warns(DeprecationWarning, match=r"is called Check\.run\(\) since") as told:
        outcome = zoo.testing.CHECKS["documented"].outcome(subject)
    assert (outcome.check, outcome.state) == ("documented", "passed")
    assert told[0].filename == __file__, "the line that uses it"
