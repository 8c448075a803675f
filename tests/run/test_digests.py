"""A checkpoint that is not what was written is noticed by whoever reads it, and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from messages import assert_says
from safetensors.numpy import load_file, save_file
from support import assert_refused, assert_same_checkpoint, checkpoint, flip, reseal, tiny

import zoo
from zoo.errors import RunError
from zoo.run import marks
from zoo.run.checkpoint import damage, read_state, read_tensors, write_checkpoint, write_snapshot
from zoo.run.checkpoint_list import checkpoints
from zoo.run.finite import not_finite
from zoo.run.retention import prune
from zoo.run.snapshot import State, take_snapshot
from zoo.system.digest import digest_of, digest_of_file, digest_state, with_digest

FILES = ["generator.safetensors", "discriminator.safetensors", "state.safetensors", "state.json"]


@pytest.fixture
def run(four_checkpoints) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(four_checkpoints, "run"))


def older(folder: Path) -> None:
    """Makes a checkpoint one of format 2, which had no digests."""
    state = json.loads((folder / "state.json").read_text())
    state = {name: value for name, value in state.items() if name not in ("sha256", "files")}
    (folder / "state.json").write_text(json.dumps({**state, "format": 2}))


def change(folder: Path, file: str, edit) -> None:
    tensors = load_file(folder / file)
    edit(tensors)
    save_file(tensors, folder / file)


# ---- digests


def test_a_digest_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert digest_of_file(tmp_path / "file") == digest_of(content)
    assert digest_of_file(tmp_path / "file", stopped=lambda: True) == "", "nobody waits for it"


def test_a_seal_breaks_with_any_bit():
    written = with_digest({"step": 3, "word": "ä"})
    assert json.loads(written) == {"sha256": json.loads(written)["sha256"], "step": 3, "word": "ä"}
    assert (digest_state(written), digest_state(b'{"step": 3}')) == ("whole", "none")
    for place in range(len(written)):
        for bit in range(8):
            changed = bytearray(written)
            changed[place] ^= 1 << bit
            assert digest_state(bytes(changed)) != "whole"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("place", [0.02, 0.5, 0.98])
def test_one_bit_of_any_file_is_noticed_and_the_file_named(cli, run, file, place):
    flip(checkpoint(run) / file, place)
    assert_refused(
        cli("resume", run, "--steps", 5), f"step-00000004/{file}", "resume run --from step-00000003", "--recover"
    )
    if file != "discriminator.safetensors":
        assert_refused(cli("sample", run, "--n", 1), f"step-00000004/{file}", "sample run --step 3")
    assert cli("sample", run, "--n", 1, "--step", 3).code == 0


def test_every_single_bit_of_a_state_is_noticed(run):
    """The number of the format among them, by which an older file would pass for one without digests."""
    file = checkpoint(run) / "state.json"
    whole = file.read_bytes()
    for place in [*range(200), *range(200, len(whole), 97)]:
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(RunError, match=r"state\.json"):
            read_state(checkpoint(run))


def test_a_page_of_zeros_is_noticed(cli, run):
    file = checkpoint(run) / "state.safetensors"
    content = bytearray(file.read_bytes())
    content[8192:12288] = bytes(4096)
    file.write_bytes(content)
    assert_refused(cli("resume", run, "--steps", 5), "state.safetensors is not what was written", "checksum (SHA-256)")


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_a_network_of_another_step_is_noticed_with_the_step_that_it_is_of(cli, run, role):
    shutil.copy(checkpoint(run, 2) / f"{role}.safetensors", checkpoint(run))
    assert_refused(cli("resume", run, "--steps", 5), f"{role}.safetensors is not what", "that of step-00000002")


def test_a_state_of_another_step_is_noticed(cli, run):
    for file in ("state.json", "state.safetensors"):
        shutil.copy(checkpoint(run, 2) / file, checkpoint(run))
    assert_refused(cli("resume", run, "--steps", 5), "it says step 2, and lies in step-00000004")


def test_a_file_that_is_cut_off_is_noticed_by_its_length(cli, run):
    file = checkpoint(run) / "generator.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    size = f"{file.stat().st_size:,}"
    assert_refused(cli("resume", run, "--steps", 5), f"it has {size} bytes, and was written with")


@pytest.mark.parametrize("lost", ["sha256", "files"])
def test_digests_that_are_missing_are_no_older_format(run, lost):
    file = checkpoint(run) / "state.json"
    content = json.loads(file.read_text())
    del content[lost]
    file.write_text(json.dumps(content) if lost == "sha256" else with_digest({**content, "sha256": ""}).decode())
    with pytest.raises(RunError, match=r"state\.json"):
        read_tensors(checkpoint(run), "generator")


def test_damage_is_all_that_is_wrong(run):
    assert damage(checkpoint(run)) == []
    flip(checkpoint(run) / "generator.safetensors")
    (checkpoint(run) / "discriminator.safetensors").unlink()
    assert_says(
        " ".join(damage(checkpoint(run))), "generator.safetensors is not what", "discriminator.safetensors is missing"
    )


# ---- what digests do not tell of


@pytest.mark.parametrize("form", [2, 3])
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38], ids=str)
@pytest.mark.parametrize("file", ["generator", "state"])
def test_weights_that_are_no_numbers_are_not_drawn_with(cli, run, file, value, form):
    """They were drawn as black pictures. Older zoos wrote such checkpoints."""
    name = "layers.0.weight" if file == "generator" else "ema.weights.layers.0.weight"

    def spoil(tensors):
        tensors[name].flat[0] = value

    change(checkpoint(run), f"{file}.safetensors", spoil)
    reseal(checkpoint(run))
    if form == 2:
        older(checkpoint(run))
    raw = ["--raw"] if file == "generator" else []
    assert_refused(cli("sample", run, "--n", 1, *raw), f"{file}.safetensors is of a training that had diverged", name)
    assert_refused(cli("resume", run, "--steps", 5), f"{file}.safetensors is of a training that had diverged", name)
    assert not Path("samples.png").exists()


def test_weights_of_another_type_are_not_drawn_with(cli, run):
    def halve(tensors):
        for name, value in tensors.items():
            if value.dtype == np.float32:
                tensors[name] = value.astype(np.float16)

    change(checkpoint(run), "generator.safetensors", halve)
    assert_refused(cli("sample", run, "--n", 1, "--raw"), "generator.safetensors")
    reseal(checkpoint(run))
    assert_refused(
        cli("sample", run, "--n", 1, "--raw"), "generator.safetensors does not fit", "is float16, not float32"
    )


def test_numbers_that_are_none_are_found_in_any_type():
    kinds = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e5m2]
    for kind in kinds:
        assert not_finite({"w": torch.ones(3).to(kind)}) == ""
        assert "w holds nan" in not_finite({"w": torch.tensor([1.0, float("nan")]).to(kind)})
        assert "w holds -inf" in not_finite({"w": torch.tensor([1.0, -float("inf")]).to(kind)})
    assert not_finite({"count": torch.tensor(2**40), "none": torch.ones(0)}) == ""
    large = {"m": torch.tensor([3e38]), "ema.w": torch.tensor([1.0])}
    assert not_finite(large, weights="ema.") == "", "no weight, and finite"
    assert "ema.w holds -3e+38" in not_finite({"ema.w": torch.tensor([-3e38])}, weights="ema.")


# ---- older formats


def test_older_formats_are_read_beside_the_new_one(cli, run):
    older(checkpoint(run, 4))
    assert cli("sample", run, "--n", 1).code == 0
    assert cli("resume", run, "--steps", 6).code == 0
    formats = [json.loads((folder / "state.json").read_text())["format"] for _, folder in zoo.Run(run).checkpoints]
    assert formats == [3, 3, 3, 2, 3, 3]


def test_a_run_goes_on_from_an_older_format_to_the_same_bits(run):
    same = Path(shutil.copytree(run, "same"))
    older(checkpoint(same))
    for each in (run, same):
        zoo.resume(each, steps=6)
    assert_same_checkpoint(checkpoint(run, 6), checkpoint(same, 6))


# ---- checkpoints that are kept


def test_a_checkpoint_that_is_marked_outlives_the_newest(run):
    folder = run / "checkpoints"
    marks.mark(checkpoint(run, 1), "best frechet", "12.5 of 5,000 samples")
    assert damage(checkpoint(run, 1)) == [], "a mark is no change of what was written"
    prune(folder, 2)
    assert [step for step, _ in checkpoints(folder)] == [1, 3, 4]
    assert zoo.load(run, step=1)(1).shape == (1, 1, 8, 8)
    marks.mark(checkpoint(run, 3), "best frechet", "11.0 of 5,000 samples")
    assert marks.marks(checkpoint(run, 1)) == {}, "one is the best"
    prune(folder, 1)
    assert [step for step, _ in checkpoints(folder)] == [3, 4]


def test_a_checkpoint_is_kept_as_long_as_it_has_a_mark(run):
    marks.mark(checkpoint(run, 1), "a")
    marks.mark(checkpoint(run, 1), "b")
    marks.unmark(checkpoint(run, 1), "a")
    assert marks.is_kept(checkpoint(run, 1))
    marks.unmark(checkpoint(run, 1), "b")
    marks.unmark(checkpoint(run, 1), "b")
    assert not marks.is_kept(checkpoint(run, 1))


def test_a_training_keeps_what_is_marked(images):
    class Mark(zoo.Callback):
        def on_checkpoint(self, step, checkpoint):
            if step == 2:
                marks.mark(checkpoint, "mine")

    options = tiny("dcgan", steps=6, checkpoint_every=1, keep_checkpoints=1)
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[Mark()], **options)
    assert {2, 6} <= {step for step, _ in run.checkpoints}


# ---- writing


def test_what_comes_before_a_checkpoint_is_done_before_it_is_seen(tmp_path):
    folder, seen = tmp_path / "step-00000001", []
    snapshot = take_snapshot({"generator": {"w": torch.ones(2)}, "discriminator": {}}, State(1, 0.0, {}))
    write_snapshot(folder, snapshot, lambda: seen.append(folder.exists()))
    assert seen == [False]
    assert folder.exists()


def test_a_copy_of_the_state_is_one(tmp_path):
    weight, history = torch.ones(2), [1, 2]
    networks = {"generator": {"w": weight}, "discriminator": {"w": weight}}
    snapshot = take_snapshot(networks, State(1, 0.0, {"objective": {"history": history}}))
    weight.zero_()
    history.append(3)
    write_snapshot(tmp_path / "step-00000001", snapshot)
    assert read_tensors(tmp_path / "step-00000001", "generator")["w"].tolist() == [1, 1]
    assert read_state(tmp_path / "step-00000001").parts["objective"] == {"history": [1, 2]}


def test_what_is_not_finite_is_not_written():
    networks = {"generator": {"w": torch.tensor([float("inf")])}, "discriminator": {}}
    with pytest.raises(RunError, match="the generator's w holds inf at step 1: no checkpoint is written"):
        write_checkpoint(Path("step-00000001"), networks, State(1, 0.0, {}))
    assert list(Path().iterdir()) == []
