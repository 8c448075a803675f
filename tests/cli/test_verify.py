"""``zoo verify RUN``: exit code 0 where nothing is wrong, 1 where something is, which is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file
from support import assert_refused, flip, reseal, tiny, write_images

import zoo
from zoo.run.config import write_config
from zoo.run.journal import faults


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory) -> Path:
    """A finished run with checkpoints of steps 3 and 6."""
    out = tmp_path_factory.mktemp("finished") / "run"
    options = tiny("dcgan", steps=6, checkpoint_every=3, sample_every=2)
    return zoo.train("dcgan", data=str(images), out=out, **options).path


@pytest.fixture
def run(finished) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(finished, "run"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def found(outcome) -> dict[str, tuple[str, str]]:
    """What was found: name → state and words."""
    lines = [
        line.split(maxsplit=1) for line in outcome.out.splitlines() if line.startswith(("whole", "damaged", "unknown"))
    ]
    rows = {}
    for state, rest in lines:
        name, _, words = rest.partition("  ")
        rows[name.strip()] = (state, words.strip())
    return rows


def change_a_weight(run: Path) -> None:
    """In the last checkpoint, with digests that fit."""
    folder = run / "checkpoints/step-00000006"
    tensors = load_file(folder / "generator.safetensors")
    tensors["layers.0.weight"].flat[0] += 1
    save_file(tensors, folder / "generator.safetensors")
    reseal(folder)


def test_a_run_that_is_whole_is_said_to_be_so_and_not_changed(cli, run):
    before = contents(run)
    assert cli("verify", run).code == 0, "which prepares the data, where it is not"
    outcome = cli("verify", run)
    assert (outcome.code, outcome.err) == (0, "")
    names = ["config.json", "metrics.jsonl", "step-00000003", "step-00000006", "prepared data", "replay"]
    assert [(name, state) for name, (state, _) in found(outcome).items()] == [(name, "whole") for name in names]
    assert found(outcome)["replay"][1] == "steps 4 to 6 again: the same to the last bit"
    assert contents(run) == before


def test_a_quick_look_does_no_step(cli, run):
    outcome = cli("verify", run, "--quick")
    assert outcome.code == 0
    assert "replay" not in found(outcome)
    assert "no damage" in outcome.out


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "file", ["generator.safetensors", "discriminator.safetensors", "state.safetensors", "state.json"]
)
def test_a_bit_in_any_file_of_any_checkpoint_is_found(cli, run, file, quick):
    flip(run / "checkpoints/step-00000003" / file)
    outcome = cli("verify", run, *(["--quick"] if quick else []))
    assert outcome.code == 1
    state, words = found(outcome)["step-00000003"]
    assert state == "damaged"
    assert file in words
    assert found(outcome)["step-00000006"][0] == "whole"
    assert quick or found(outcome)["replay"][0] == "unknown", "what it would begin with is damaged"


def test_a_checkpoint_that_its_digests_call_whole_and_no_training_gives_is_found(cli, run):
    """Someone has edited it and written its digests anew; or a processor computes wrongly."""
    change_a_weight(run)
    assert cli("verify", run, "--quick").code == 0
    outcome = cli("verify", run)
    assert outcome.code == 1
    assert found(outcome)["replay"] == ("damaged", "steps 4 to 6 again: generator.layers.0.weight differ")


def test_other_numbers_elsewhere_prove_nothing(cli, run):
    change_a_weight(run)
    config = json.loads((run / "config.json").read_text())
    config["environment"]["torch"] = "1.0"
    write_config(run, config)
    outcome = cli("verify", run)
    assert outcome.code == 0
    state, words = found(outcome)["replay"]
    assert state == "unknown"
    assert "and was 1.0" in words


def test_steps_after_a_change_are_done_again_with_what_was_in_force(cli, run):
    zoo.resume(run, steps=9, learning_rate=1e-5, checkpoint_every=3)
    zoo.resume(run, steps=12, learning_rate=1e-3)
    outcome = cli("verify", run)
    assert outcome.code == 0, outcome.out
    assert found(outcome)["replay"] == ("whole", "steps 10 to 12 again: the same to the last bit")


def test_a_change_between_the_checkpoints_is_a_reason_to_do_nothing_again(cli, run):
    zoo.resume(run, steps=9, learning_rate=1e-5, checkpoint_every=3, keep_checkpoints=9)
    shutil.rmtree(run / "checkpoints/step-00000006")
    outcome = cli("verify", run)
    assert outcome.code == 0
    assert found(outcome)["replay"] == ("unknown", "options became others at step 6, between the last two checkpoints")


def test_one_checkpoint_alone_is_nothing_to_do_again(cli, run):
    shutil.rmtree(run / "checkpoints/step-00000003")
    outcome = cli("verify", run)
    assert outcome.code == 0
    assert found(outcome)["replay"] == ("unknown", "it goes from one checkpoint to the next, and there is one alone")


def test_data_that_is_gone_is_said_to_be(cli, tmp_path):
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="mine", **tiny("dcgan", checkpoint_every=2))
    moved = data.rename(tmp_path / "moved.npz")
    outcome = cli("verify", "mine")
    assert outcome.code == 0
    assert found(outcome)["prepared data"][0] == "unknown"
    assert "does not exist any more" in found(outcome)["prepared data"][1]
    assert found(cli("verify", "mine", "--data", moved))["replay"][0] == "whole"


def test_prepared_data_that_is_not_what_was_prepared_is_found(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="mine", **tiny("dcgan", checkpoint_every=2))
    (store,) = (tmp_path / "cache/prepared").iterdir()
    flip(store / "images.u8")
    for more in ([], ["--quick"]):
        outcome = cli("verify", "mine", *more)
        assert outcome.code == 1
        state, words = found(outcome)["prepared data"]
        assert state == "damaged"
        assert f"zoo cache clear {store.name[:10]}" in words
    assert cli("cache", "clear", store.name[:10]).code == 0
    assert cli("verify", "mine").code == 0, "it is prepared anew"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:2] + lines[3:], "1 line missing, the first of step 3"),
        (lambda lines: [*lines[:2], "{\n", *lines[2:]], "1 line that cannot be read"),
        (lambda lines: [*lines[:4], *lines[1:]], "of a step that was logged before"),
    ],
)
def test_what_is_wrong_with_the_journal_is_found(cli, run, change, words):
    file = run / "metrics.jsonl"
    file.write_text("".join(change(file.read_text().splitlines(keepends=True))))
    outcome = cli("verify", run, "--quick")
    assert outcome.code == 1
    assert words in found(outcome)["metrics.jsonl"][1]


def test_scores_that_cannot_be_read_are_damage(cli, run):
    place = run / "scores.jsonl"
    line = '{"step": 1, "scores": {"a": {"b": {"value": 1}}}, "provenance": {}}\n'
    place.write_text(f"{line}\n{line}" + line[:20])
    outcome = cli("verify", run, "--quick")
    assert (outcome.code, found(outcome)["scores.jsonl"][0]) == (0, "whole"), "a line that was cut off is no line yet"
    place.write_text(line[:20] + "\n" + line + '{"step": 1}\n')
    outcome = cli("verify", run, "--quick")
    assert (outcome.code, found(outcome)["scores.jsonl"]) == (1, ("damaged", "2 lines that cannot be read"))
    place.unlink()
    place.mkdir()
    outcome = cli("verify", run, "--quick")
    assert (outcome.code, found(outcome)["scores.jsonl"][0]) == (1, "damaged")


def test_a_journal_that_is_gone_is_damage():
    assert faults(Path("m.jsonl"), 1, 4) == ["m.jsonl is missing"]
    assert faults(Path("m.jsonl"), 1, 0) == []


def test_a_configuration_that_somebody_has_changed_is_damage_and_is_gone_on_with(cli, run):
    config = json.loads((run / "config.json").read_text())
    config["options"]["learning_rate"] *= 2
    (run / "config.json").write_text(json.dumps(config))
    outcome = cli("verify", run)
    assert outcome.code == 1
    assert found(outcome)["config.json"] == (
        "damaged",
        "it was changed since zoo wrote it: its checksum does not match",
    )
    assert found(outcome)["replay"][0] == "unknown"
    resumed = cli("resume", run, "--steps", 7)
    assert resumed.code == 0
    assert "config.json was changed since zoo wrote it" in resumed.out + resumed.err
    assert zoo.Run(run).config_intact


def test_a_configuration_that_is_laid_out_otherwise_is_the_same(run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(dict(reversed(config.items()))))
    assert zoo.Run(run).config_intact


def test_options_that_the_architecture_does_not_take_are_damage(cli, run):
    config = json.loads((run / "config.json").read_text())
    config["options"]["erop_remainder"] = config["options"].pop("drop_remainder")
    write_config(run, config)
    outcome = cli("verify", run, "--quick")
    assert outcome.code == 1
    assert "erop_remainder" in found(outcome)["config.json"][1]


def test_a_finished_run_without_checkpoints_is_damaged(cli, run):
    shutil.rmtree(run / "checkpoints")
    outcome = cli("verify", run, "--quick")
    assert outcome.code == 1
    assert found(outcome)["checkpoints"][0] == "damaged"
    assert "damaged" in cli("list", "--runs", run).out


def test_damage_elsewhere_keeps_nobody_from_doing_the_last_steps_again(cli, run):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[1:]))
    outcome = cli("verify", run)
    assert outcome.code == 1
    assert found(outcome)["metrics.jsonl"][0] == "damaged"
    assert found(outcome)["replay"][0] == "whole"


def test_a_configuration_that_is_damaged_is_damage(cli, run):
    (run / "config.json").write_text("{")
    outcome = cli("verify", run)
    assert outcome.code == 1
    assert found(outcome)["config.json"][0] == "damaged"
    assert_refused(cli("verify", "nowhere"), "there is no run at nowhere")


def test_a_checkpoint_that_lacks_a_file_is_damage(cli, run):
    (run / "checkpoints/step-00000006/discriminator.safetensors").unlink()
    outcome = cli("verify", run, "--quick")
    assert outcome.code == 1
    assert found(outcome)["step-00000006"] == ("damaged", "step-00000006 lacks discriminator.safetensors")


def test_older_checkpoints_are_noted_to_have_no_digests(cli, run):
    file = run / "checkpoints/step-00000003/state.json"
    state = json.loads(file.read_text())
    state = {name: value for name, value in state.items() if name not in ("sha256", "files")}
    file.write_text(json.dumps({**state, "format": 2}))
    outcome = cli("verify", run)
    assert outcome.code == 0
    assert found(outcome)["step-00000003"] == ("whole", "without digests")
    assert found(outcome)["replay"][0] == "whole"
