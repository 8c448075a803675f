"""Runs of which a file is damaged or missing: what is wrong is said in words, with what to do; what is whole is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from messages import assert_says, saying
from support import Notes, assert_refused, checkpoint

import zoo
from zoo.errors import RunError
from zoo.run.journal import read_metrics, truncate
from zoo.run.record import DamagedError, Record
from zoo.testing.comparing import run_differences


@pytest.fixture
def run(four_checkpoints) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(four_checkpoints, "run"))


def edit(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# ---- config.json


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ('{\n"format": 2,\n"opti', "it ends in the midst of line 3"),
        ('{"format": 2,,}', "line 1, column 14 is not JSON"),
        ("[]", "it holds a list, not names and values"),
        ("3", "it holds 3, not names and values"),
        ("{}", "'format' is missing"),
        ('{"format": "a"}', "'format' is \"a\", not a whole number"),
        ('{"format": true}', "'format' is true, not a whole number"),
        ('{"format": 2, "architecture": 3}', "'architecture' is 3, not a text"),
        ('{"format": 2, "architecture": "dcgan", "options": []}', "'options' is a list, not names and values"),
        ('{"format": 2, "architecture": "dcgan"}', "'options' is missing"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_a_config_that_is_damaged_is_told_in_words_with_what_to_do(text, words):
    Path("config.json").write_text(text)
    with pytest.raises(RunError) as refused:
        zoo.Run(".")
    assert_says(str(refused.value), "config.json cannot be read", words, "from a backup", "train again")
    assert "Error" not in str(refused.value)


def test_a_config_that_is_a_folder_is_no_missing_one():
    Path("run/config.json").mkdir(parents=True)
    with pytest.raises(RunError, match=saying("run/config.json", "it is a folder, not a file")):
        zoo.Run("run")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(plugin=3), "'plugin' is 3"),
        (dict(plugin={"version": 3}), "'plugin.version' is 3, not a text"),
        (dict(environment=3), "'environment' is 3"),
        (dict(environment={"ops": 3}), "'environment.ops' is 3"),
        (dict(data=None), "'data' is null"),
        (dict(data=[]), "'data' is a list"),
        (dict(data={"images": 24}), "'data.title' is missing"),
    ],
    ids=str,
)
def test_whatever_is_damaged_in_a_config_no_run_goes_on_with_it(cli, run, change, words):
    edit(run / "config.json", lambda content: content.update(change))
    assert_refused(cli("resume", run, "--steps", 5), "config.json", words, "from a backup")


def test_what_only_comparisons_need_does_not_stop_a_run(cli, run):
    edit(run / "config.json", lambda content: content["environment"].update(ops={"linear": 3}))
    assert cli("resume", run, "--steps", 5).code == 0


def test_a_record_reads_by_name_and_type():
    Path("a.json").write_text('\ufeff{"a": {"b": 1, "c": NaN}, "d": 2, "e": null}', encoding="utf-8")
    record = Record.read(Path("a.json"))
    assert (record.need("a.b", int), record.need("d", float), record.may("e", dict)) == (1, 2, None)
    for name, words in (("a.c", "NaN"), ("e", "null"), ("a.x", "missing"), ("d.x", "missing"), ("d", "not a text")):
        with pytest.raises(DamagedError, match=words):
            record.need(name, str if name == "d" else float)


# ---- checkpoints


def test_the_earlier_checkpoint_that_is_offered_was_looked_at(cli, run):
    checkpoint(run, 4).joinpath("generator.safetensors").write_bytes(b"")
    checkpoint(run, 3).joinpath("state.json").write_text("{}")
    checkpoint(run, 2).joinpath("discriminator.safetensors").write_bytes(b"")
    outcome = cli("resume", run, "--steps", 5)
    assert_refused(outcome, "whole: zoo resume run --from step-00000001", "--recover")
    assert cli("resume", run, "--from", "step-00000001").code == 0
    assert zoo.Run(run).latest()[0] == 4
    kept = sorted(path.name for path in (run / "checkpoints").glob("*.damaged"))
    assert kept == [f"step-0000000{step}.damaged" for step in (2, 3, 4)], "nothing is lost"


def test_where_no_checkpoint_can_be_read_none_is_offered(cli, run):
    for step in range(1, 5):
        checkpoint(run, step).joinpath("state.safetensors").write_bytes(b"")
    assert_refused(
        cli("resume", run, "--steps", 5), "can be read; put one back from a copy, or train again with another --out"
    )


def test_a_newer_checkpoint_that_is_whole_is_named_where_an_older_one_was_asked_for(cli, run):
    checkpoint(run, 2).joinpath("generator.safetensors").write_bytes(b"")
    assert_refused(cli("sample", run, "--step", 2, "--raw"), "step-00000002", "step-00000004 is whole")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "'step' is missing"),
        ("[]", "it holds a list"),
        ('{"format": 2, "step": 3, "seconds": 1.0, "parts": {}}', "it says step 3, and lies in step-00000004"),
        ('{"format": 2, "step": -4, "seconds": 1.0, "parts": {}}', "it says step -4"),
        ('{"format": 2, "step": 4, "seconds": NaN, "parts": {}}', "'seconds' is NaN"),
        ('{"format": 2, "step": 4, "seconds": 1.0, "parts": 3}', "'parts' is 3"),
    ],
)
def test_a_state_that_is_damaged_is_told_in_words_with_what_to_do(cli, run, text, words):
    checkpoint(run, 4).joinpath("state.json").write_text(text)
    assert_refused(cli("resume", run, "--steps", 5), "state.json cannot be read", words, "--from step-00000003")


def test_a_run_that_goes_on_from_an_older_checkpoint_says_why(run):
    checkpoint(run, 4).joinpath("generator.safetensors").unlink()
    notes: list[str] = []
    zoo.resume(run, callbacks=[Notes(notes)])
    assert "step-00000004 lacks generator.safetensors; going on from step-00000003" in notes


def test_the_newest_checkpoint_is_the_one_of_the_most_steps(run):
    checkpoint(run, 3).joinpath("generator.safetensors").unlink()
    assert zoo.Run(run).lacking == "", "what is older than a whole one is nobody's concern"
    (run / "checkpoints" / "step-100000000").mkdir()
    assert zoo.Run(run).lacking.startswith("step-100000000 lacks")


# ---- runs without a checkpoint


def test_a_run_without_a_checkpoint_is_no_dead_end(cli, run):
    whole = zoo.Run(shutil.copytree(run, "whole"))
    shutil.rmtree(run / "checkpoints")
    metrics = run / "metrics.jsonl"
    metrics.write_text(metrics.read_text().splitlines(keepends=True)[0])
    assert_refused(cli("train", "dcgan", "--out", run), "run is not empty", "zoo resume run", "another --out")
    assert_refused(cli("sample", run), "run has no checkpoint yet", "zoo resume run trains it from step 0 on")
    outcome = cli("resume", run)
    assert (outcome.code, outcome.err) == (0, "")
    assert "run has no checkpoint yet: it begins again at step 0" in outcome.out
    assert run_differences(whole, zoo.Run(run)) == []


def test_a_finished_run_whose_checkpoints_are_gone_is_not_begun_again(cli, run):
    shutil.rmtree(run / "checkpoints")
    before = (run / "metrics.jsonl").read_bytes()
    assert_refused(cli("resume", run), "is finished", "checkpoints are gone", "another --out")
    again = cli("train", "dcgan", "--out", run)
    assert_refused(again, "run is not empty", "zoo resume run says what it lacks", "another --out")
    assert "remove" not in again.err
    assert (run / "metrics.jsonl").read_bytes() == before


# ---- metrics.jsonl


@pytest.mark.parametrize(
    "damage", ['{"step": "a"}', "{}", "[1]", "3", '{"step": 2', "\x00", '{"step": null}', '{"step": NaN}']
)
def test_lines_that_cannot_be_read_are_counted_and_kept_beside(damage):
    path = Path("m.jsonl")
    text = f'{{"step": 1}}\n{damage}\n{{"step": 3}}\n{{"step": 4}}\n{{"st'
    path.write_text(text)
    note = truncate(path, 3)
    assert_says(note, "a line of m.jsonl cannot be read", "kept as m.jsonl.damaged")
    assert [line["step"] for line in read_metrics(path)] == [1, 3]
    assert Path("m.jsonl.damaged").read_text() == text
    path.write_text(text)
    assert "m.jsonl.damaged-2" in truncate(path, 3), "what was kept before stays"


def test_a_last_line_that_was_cut_off_is_no_damage():
    Path("m.jsonl").write_text('{"step": 1}\n{"step": 2')
    assert truncate(Path("m.jsonl"), 1) == ""
    assert [path.name for path in Path().iterdir()] == ["m.jsonl"]


def test_resume_says_what_is_wrong_with_the_metrics(run):
    (run / "metrics.jsonl").unlink()
    notes: list[str] = []
    zoo.resume(run, steps=5, callbacks=[Notes(notes)])
    assert any("metrics.jsonl is missing" in note and "up to step 4" in note for note in notes), notes


def test_a_folder_in_the_place_of_the_metrics_is_refused_before_anything_is_changed(cli, run):
    (run / "metrics.jsonl").unlink()
    (run / "metrics.jsonl").mkdir()
    before = (run / "config.json").read_bytes()
    for command in (["resume", run, "--steps", 5], ["curves", run]):
        assert_refused(cli(*command), "metrics.jsonl cannot be read: it is a folder", "move it away")
    assert (run / "config.json").read_bytes() == before


# ---- the total of steps


@pytest.mark.parametrize("steps", [2, 4])
def test_a_total_of_fewer_steps_than_are_done_is_refused(cli, run, steps):
    assert_refused(cli("resume", run, "--steps", steps), f"--steps {steps}", "4 steps of run are done", "more than 4")
