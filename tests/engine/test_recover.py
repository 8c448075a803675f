"""Going on from another checkpoint than the newest: by name, or from the newest that is whole. Nothing is lost on the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import Notes, assert_refused, assert_same_checkpoint, checkpoint, flip, untimed

import zoo
from zoo.errors import OptionError, RunError
from zoo.run.checkpoint import damage


@pytest.fixture
def run(four_checkpoints) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(four_checkpoints, "run"))


def spoil(run: Path, step: int, file: str = "generator.safetensors") -> None:
    flip(checkpoint(run, step) / file, bit=2)


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


@pytest.mark.parametrize("given", ["2", "step-2", "step-00000002", 2])
def test_a_run_goes_on_from_the_checkpoint_that_is_named(run, four_checkpoints, given):
    notes: list[str] = []
    again = zoo.resume(run, from_step=given, callbacks=[Notes(notes)])
    assert_same_checkpoint(checkpoint(four_checkpoints, 4), checkpoint(run, 4))
    assert untimed(again) == untimed(zoo.Run(four_checkpoints)), "no line twice"
    assert names(run) == [
        "step-00000001", "step-00000002", "step-00000003", "step-00000003.aside", "step-00000004", "step-00000004.aside"
    ]  # fmt: skip
    assert damage(checkpoint(run, 4)) == []
    assert any("step-00000004 is newer" in note and "kept as step-00000004.aside" in note for note in notes)


def test_what_was_kept_before_stays_when_it_happens_again(run):
    for _ in range(2):
        zoo.resume(run, from_step=3)
    assert names(run)[3:] == ["step-00000004", "step-00000004.aside", "step-00000004.aside-2"]


def test_recovery_goes_on_from_the_newest_that_is_whole(cli, run, four_checkpoints):
    spoil(run, 4)
    spoil(run, 3, "discriminator.safetensors")
    outcome = cli("resume", run, "--recover")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "step-00000004/generator.safetensors is not what was written" in said
    assert "step-00000003/discriminator.safetensors is not what was written" in said
    assert_same_checkpoint(checkpoint(four_checkpoints, 4), checkpoint(run, 4))
    assert {"step-00000003.damaged", "step-00000004.damaged"} <= {*names(run)}


def test_recovery_of_a_run_that_is_whole_changes_nothing(run):
    before = names(run)
    with pytest.raises(RunError, match="is finished"):
        zoo.resume(run, recover=True)
    assert names(run) == before


def test_recovery_where_nothing_is_whole_says_so(cli, run):
    for step in range(1, 5):
        spoil(run, step, "state.safetensors")
    assert_refused(
        cli("resume", run, "--recover"), "no checkpoint of run is whole", "move run/checkpoints elsewhere", "at step 0"
    )
    assert [name for name in names(run) if not name.startswith("step-")] == []


def test_nothing_is_renamed_where_the_run_does_not_go_on(cli, run):
    before = names(run)
    assert_refused(cli("resume", run, "--from", 2, "--steps", 1), "--steps 1", "give more than 2")
    spoil(run, 2)
    assert_refused(cli("resume", run, "--from", "step-00000002"), "step-00000002/generator.safetensors is not what")
    assert names(run) == before


def test_a_newest_checkpoint_that_lacks_a_file_is_kept_too(run):
    (checkpoint(run, 4) / "state.json").unlink()
    zoo.resume(run)
    assert "step-00000004.damaged" in names(run)


@pytest.mark.parametrize("given", ["", "four", "step-", "-3", "2.5", "9" * 40])
def test_what_names_no_checkpoint_is_refused(run, given):
    with pytest.raises(OptionError, match="names no checkpoint; give its step"):
        zoo.resume(run, from_step=given)


def test_a_checkpoint_that_is_not_there_is_refused_with_those_that_are(cli, run):
    assert_refused(
        cli("resume", run, "--from", 7), "no whole checkpoint of step 7", "it has step-00000001, step-00000002"
    )
    with pytest.raises(OptionError, match="--from and --recover"):
        zoo.resume(run, from_step=2, recover=True)


def test_who_draws_from_an_older_checkpoint_than_the_newest_is_told(run, caplog):
    (checkpoint(run, 4) / "generator.safetensors").unlink()
    assert zoo.load(run).step == 3
    assert "step-00000004 lacks generator.safetensors; step-00000003 is used" in caplog.text
