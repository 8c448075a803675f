"""Whose mistake a failure is: the architecture's, the caller's or the machine's."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from failing import failures

import zoo.testing
from zoo.errors import OptionError, PluginError, RunError

pytestmark = pytest.mark.usefixtures("toys")


def full(*arguments, **keywords):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


def test_a_full_disk_is_no_failed_check(monkeypatch):
    monkeypatch.setattr("zoo.run.checkpoint.write_checkpoint", full)
    with pytest.raises(RunError, match=r"this machine failed, not the architecture: .*somewhere.*TMPDIR"):
        zoo.testing.check("good", only=["state"])


@pytest.mark.parametrize("place", ["zoo.engine.checkpoint_writer.write_snapshot", "zoo.testing.data.write_images"])
def test_a_disk_that_is_full_elsewhere_is_none_either(monkeypatch, cli, place):
    monkeypatch.setattr(place, full)
    outcome = cli("check", "good", "--only", "seed")
    assert outcome.code == 2
    assert "this machine failed, not the architecture" in outcome.err


def test_what_zoo_says_of_a_full_disk_is_no_failed_check_either(monkeypatch):
    def write(*arguments):
        with zoo.run.files.writing(Path("there")):
            full()

    monkeypatch.setattr("zoo.run.checkpoint.write_checkpoint", write)
    with pytest.raises(RunError, match="this machine failed, not the architecture: "):
        zoo.testing.check("good", only=["state"])


def test_a_file_that_the_plugin_does_not_find_is_its_own_mistake():
    message = failures("forgot-a-file", ["shapes"])["shapes"]
    assert "FileNotFoundError" in message
    assert "broken_toys.py:" in message


def test_a_run_that_diverges_is_no_fault_of_the_machine():
    assert "seed" in failures("good", ["seed"], learning_rate=1e38, optimizer="sgd")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory: tried to allocate 2 GiB")], ids=str)
@pytest.mark.parametrize("check", ["ops", "batch", "compiled"])
def test_too_little_memory_is_no_failed_check(monkeypatch, check, error):
    def run(*arguments):
        raise error

    monkeypatch.setattr("zoo.system.compiling.obstacle", lambda: None)
    monkeypatch.setattr("zoo.testing.repeated_step.RepeatedStep.run", run)
    monkeypatch.setattr("zoo.ops.status", lambda: {"an_op": {"cpu": {"served_by": "native"}}})
    with pytest.raises(RunError, match="not enough memory; smaller networks will do"):
        zoo.testing.check("good", only=[check])


def test_a_preset_that_does_not_fit_is_the_authors_mistake(cli):
    told = r"the preset 'quick' of 'bad-default' does not fit its own options: unknown option 'step'"
    for asked in ({}, {"preset": "quick"}):
        with pytest.raises(PluginError, match=told):
            zoo.testing.check("bad-default", **asked)
    outcome = cli("check", "bad-default")
    assert outcome.code == 2
    assert "does not fit its own options" in outcome.message
    assert list(failures("bad-default", ["presets", "documented"], preset="slow")) == ["presets"]


def test_values_that_the_kit_has_chosen_are_told_as_such(cli):
    outcome = cli("check", "patient", "--only", "seed")
    assert outcome.code == 2
    assert "patient does not take the small values that zoo check chooses (--steps 4 --batch-size 8" in outcome.message
    assert "steps: a hundred or more" in outcome.message
    outcome = cli("check", "patient", "--only", "documented", "presets", "--steps", 100, "--skip")
    assert (outcome.code, outcome.err) == (0, "")


def test_what_a_plugin_raises_is_named_by_its_file_and_line():
    message = failures("raising", ["learning"])["learning"]
    assert "AttributeError: 'StepContext' object has no attribute 'objectives' (" in message
    assert "broken_toys.py:" in message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (dict(only=["shape"]), "unknown check 'shape'; did you mean 'shapes'?"),
        (dict(without=["compile"]), "unknown check 'compile'; did you mean 'compiled'?"),
        (dict(only=["seed"], without=["seed"]), "no check is left to run"),
        (dict(data="digits"), "zoo check chooses --data itself; leave it out"),
        (dict(widht=2), "unknown option 'widht'"),
        (dict(batch_size=0), "--batch-size: 0 does not fit"),
        (dict(device="cuda:99"), "--device cuda:99: torch .* finds none here; devices here: "),
        (dict(objective="hing"), "unknown --objective 'hing'; did you mean 'hinge'?"),
    ],
    ids=str,
)
def test_what_the_caller_gets_wrong_is_an_option_error(arguments, told):
    with pytest.raises(OptionError, match=told.replace("?", r"\?")):
        zoo.testing.check("good", **arguments)


def test_what_is_no_name_is_an_option_error():
    with pytest.raises(OptionError, match=r'give the name of an architecture, as in "my-gan".*; given 5'):
        zoo.testing.check(5)


def test_an_objective_that_only_a_preset_names_is_the_authors_mistake():
    assert "unknown --objective 'nope'" in failures("misplayed", ["presets"])["presets"]


def test_an_architecture_that_is_not_there_is_a_plugin_error():
    with pytest.raises(PluginError, match=r"unknown architecture 'goods'; did you mean 'good'\?"):
        zoo.testing.check("goods")
