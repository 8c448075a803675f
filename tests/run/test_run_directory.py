"""The run directory: its layout, its files, and that none of them is ever half there."""

from __future__ import annotations

import errno
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from messages import saying
from PIL import Image
from safetensors.numpy import load_file
from support import reseal, tiny

import zoo
from zoo.errors import RunError
from zoo.run import checkpoint
from zoo.run.checkpoint import read_state, read_tensors, write_checkpoint
from zoo.run.files import replacing, write_json, writing
from zoo.run.journal import Journal, read_metrics, truncate
from zoo.run.snapshot import State


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    """A finished run of four steps."""
    out = tmp_path_factory.mktemp("run") / "run"
    options = tiny("cgan", sample_every=2, checkpoint_every=2, keep_checkpoints=5)
    return zoo.train("cgan", data=str(images), out=out, **options)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# ---- layout


def test_a_run_directory_holds_what_the_contract_says_and_nothing_else(run):
    parts = ("generator.safetensors", "discriminator.safetensors", "state.safetensors", "state.json")
    assert files(run.path) == {
        "config.json",
        "metrics.jsonl",
        "samples.gif",
        "report.html",
        *(f"samples/step-{step:08d}.png" for step in (0, 2, 4)),
        *(f"checkpoints/step-{step:08d}/{part}" for step in (2, 4) for part in parts),
    }


def test_no_file_of_a_run_is_a_pickle(run):
    for path in (path for path in run.path.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert not data.startswith((b"\x80", b"PK")), f"{path} looks like a pickle or torch's archive of one"
        if path.suffix == ".safetensors":
            assert load_file(path)
        elif path.suffix == ".jsonl":
            assert [json.loads(line) for line in data.decode().splitlines()]
        elif path.suffix == ".json":
            assert json.loads(data)
        elif path.suffix == ".html":
            assert data.startswith(b"<!")
        else:
            with Image.open(path) as picture:
                picture.load()


def test_a_run_is_sampled_and_resumed_without_unpickling(images, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a pickle was read")

    zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=2))
    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    assert zoo.load("run")(2).shape == (2, 1, 8, 8)
    assert zoo.resume("run", steps=3).latest()[0] == 3


def test_config_json_holds_what_builds_the_run_again_and_what_it_was_made_with(run):
    config = json.loads((run.path / "config.json").read_text())
    assert config["architecture"] == "cgan"
    assert config["format"] == 2
    assert config["capabilities"].keys() == {"channels_last", "joint_pass"}
    assert config["options"]["width"] == 2
    assert config["steps"] == 4
    data = config["data"]
    assert (data["channels"], data["height"], data["width"], data["images"]) == (1, 8, 8, 24)
    assert data["class_names"] == ["0", "1", "2"]
    assert config["plugin"] == {"name": "cgan", "distribution": "zoo-gan", "version": zoo.__version__}
    assert {"zoo", "torch", "python", "device", "ops"} <= config["environment"].keys()


def test_the_grids_of_a_conditional_run_have_a_column_for_each_class(run):
    with Image.open(run.samples[-1]) as picture:
        factor = 56 // 8
        assert picture.size == (3 * (8 * factor + 2) + 2, 2 * (8 * factor + 2) + 2), "four samples of three classes"


def test_a_run_opened_again_tells_the_same(run):
    again = zoo.Run(run.path)
    assert again.architecture == "cgan"
    assert again.metrics() == run.metrics()
    assert [step for step, _ in again.checkpoints] == [2, 4]
    assert again.latest() == run.latest()
    assert again.geometry() == (zoo.DataSpec(1, 8, 8, 3), ["0", "1", "2"])
    assert again.generator().step == 4
    assert repr(again) == f"Run({str(run.path)!r}, architecture='cgan')"


# ---- where a new run goes


def test_without_out_a_run_takes_the_next_free_name():
    config = {"architecture": "dcgan", "options": {}}
    assert zoo.Run.create(None, config).path == Path("runs/dcgan-001")
    assert zoo.Run.create(None, config).path == Path("runs/dcgan-002")
    Path("runs/dcgan-010").mkdir()
    Path("runs/dcgan-best").mkdir()
    assert zoo.Run.create(None, config).path == Path("runs/dcgan-011")
    assert zoo.Run.create(None, {**config, "architecture": "cgan"}).path == Path("runs/cgan-001")


def test_two_runs_that_begin_together_get_a_folder_each(monkeypatch):
    """The other one makes its folder between our look and our claim."""
    mkdir, rival = Path.mkdir, []

    def late(self, *arguments, **keywords):
        if self.name == "dcgan-001" and not rival:
            rival.append(self)
            mkdir(self)
        return mkdir(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "mkdir", late)
    assert zoo.Run.create(None, {"architecture": "dcgan", "options": {}}).path == Path("runs/dcgan-002")


def test_an_empty_folder_is_taken_and_a_full_one_is_not(run):
    Path("empty").mkdir()
    assert zoo.Run.create("empty", {"architecture": "dcgan", "options": {}}).path == Path("empty")
    with pytest.raises(RunError, match=saying("empty is not empty", "zoo resume empty", "another")):
        zoo.Run.create("empty", {"architecture": "dcgan", "options": {}})
    Path("notes").mkdir()
    Path("notes/a.txt").touch()
    with pytest.raises(RunError, match=saying("notes is not empty", "another --out")):
        zoo.Run.create("notes", {"architecture": "dcgan", "options": {}})
    with pytest.raises(RunError, match=saying("out is empty", "a name")):
        zoo.Run.check_place("")


def test_a_tilde_in_out_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert zoo.Run.create("~/run", {"architecture": "dcgan", "options": {}}).path == tmp_path / "home" / "run"


# ---- files are whole or not there


def half_written(path: Path) -> None:
    """Fails in the midst of writing a file."""
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError


def test_a_file_is_replaced_whole_or_not_at_all():
    path = Path("a.json")
    write_json(path, {"ü": 1})
    assert json.loads(path.read_text("utf-8")) == {"ü": 1}
    with pytest.raises(ZeroDivisionError):
        half_written(path)
    assert json.loads(path.read_text("utf-8")) == {"ü": 1}
    assert files(Path()) == {"a.json"}


def test_who_reads_a_file_while_it_is_replaced_reads_the_whole_old_one():
    write_json(Path("a.json"), {"old": "o" * 10_000})
    with Path("a.json").open(encoding="utf-8") as reader:
        begun = reader.read(100)
        write_json(Path("a.json"), {"new": 1})
        assert json.loads(begun + reader.read()) == {"old": "o" * 10_000}
    assert json.loads(Path("a.json").read_text("utf-8")) == {"new": 1}


def interrupted(path: Path) -> None:
    """Writes half of a folder."""
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "three").touch()
        raise KeyboardInterrupt


def test_a_folder_is_replaced_whole_or_not_at_all():
    path = Path("a")
    for content in ("one", "two"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / content).touch()
        assert files(Path()) == {f"a/{content}"}
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert files(Path()) == {"a/two"}


def test_json_that_no_other_program_could_read_is_not_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(Path("a.json"), {"x": float("nan")})
    assert files(Path()) == set()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, saying("disk is full", "make room", "--out")),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.ENOTDIR, "a part of the path is a file"),
        (errno.EIO, "another place with --out"),
    ],
)
def test_what_the_system_says_about_writing_comes_with_advice(number, advice):
    with pytest.raises(RunError, match=advice) as refused, writing(Path("there")):
        raise OSError(number, "no way")
    assert str(refused.value).startswith("cannot write there: no way; ")


# ---- checkpoints

WEIGHTS = {"generator": {"w": torch.ones(2)}, "discriminator": {"w": torch.zeros(3)}}


def test_a_checkpoint_comes_back_as_it_was():
    kept = {0: {"step": torch.tensor(2.0), "t": torch.ones(2, 3).T}, 3: {}}
    parts = {"optimizer": {"state": kept}, "a": {"b.c": torch.ones(1)}, "a.b": {"c": torch.zeros(2)},
             "mine": {"pair": (1, [2.5, None, True]), "tensor": "a word", "none": {}}}  # fmt: skip
    write_checkpoint(Path("step-00000007"), WEIGHTS, State(7, 1.5, parts))
    folder = Path("step-00000007")
    state = read_state(folder)
    assert (state.step, state.seconds) == (7, 1.5)
    assert state.parts.keys() == parts.keys()
    assert state.parts["optimizer"]["state"].keys() == {0, 3}, "whole numbers stay such"
    torch.testing.assert_close(state.parts["optimizer"]["state"][0], kept[0])
    assert state.parts["a"]["b.c"].tolist() == [1.0]
    assert state.parts["a.b"]["c"].tolist() == [0.0, 0.0], "two places of one name are told apart"
    assert state.parts["mine"] == parts["mine"]
    torch.testing.assert_close(read_tensors(folder, "discriminator"), WEIGHTS["discriminator"])
    assert checkpoint.checkpoints(Path()) == [(7, folder)]


def test_what_a_checkpoint_cannot_hold_is_refused_with_its_place():
    with pytest.raises(RunError, match=r"objective\.history\.1 is object, which a checkpoint cannot hold"):
        write_checkpoint(Path("step-00000001"), WEIGHTS, State(1, 0.0, {"objective": {"history": [1, object()]}}))
    assert not Path("step-00000001").exists()


def test_a_state_that_is_damaged_is_told_in_words():
    folder = Path("step-00000001")
    write_checkpoint(folder, WEIGHTS, State(1, 0.0, {"ema": {"weights": {"w": torch.ones(1)}}}))
    file = folder / "state.json"
    whole = file.read_text()
    for damage in ({"tensor": "ema.weights.x"}, {"what": 1}, {"dict": 3}, {"tensor": 4}):
        file.write_text(whole.replace('{"tensor": "ema.weights.w"}', json.dumps(damage)))
        reseal(folder)
        with pytest.raises(RunError, match=r"is damaged: .*begins again at step 0"):
            read_state(folder)
    file.write_text(whole.replace('"format": 3', '"format": 4'))
    reseal(folder)
    with pytest.raises(RunError, match=r"newer zoo \(format 4\); upgrade zoo"):
        read_state(folder)


def test_only_whole_checkpoints_count():
    for step in (1, 2, 10):
        write_checkpoint(Path(f"step-{step:08d}"), WEIGHTS, State(step, 0.0, {}))
    Path("step-00000002/discriminator.safetensors").unlink()
    Path("step-latest").mkdir()
    Path(".step-00000011.1.part").mkdir()
    assert [step for step, _ in checkpoint.checkpoints(Path())] == [1, 10]
    assert checkpoint.checkpoints(Path("nowhere")) == []


def test_a_checkpoint_that_cannot_be_finished_leaves_the_old_one(monkeypatch):
    folder = Path("step-00000001")
    write_checkpoint(folder, WEIGHTS, State(1, 0.0, {}))

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="make room"):
        write_checkpoint(folder, {**WEIGHTS, "generator": {"w": torch.full((2,), 5.0)}}, State(1, 0.0, {}))
    assert read_tensors(folder, "generator")["w"].tolist() == [1, 1]
    assert [path.name for path in Path().iterdir()] == ["step-00000001"]


# ---- the journal


def test_lines_are_on_their_way_to_the_disk_when_they_are_written():
    with Journal(Path("m.jsonl")) as journal:
        journal.write({"step": 1, "d_loss": 0.5})
        assert Path("m.jsonl").read_text() == '{"step": 1, "d_loss": 0.5}\n'


def test_a_number_that_json_does_not_have_becomes_null():
    with Journal(Path("m.jsonl")) as journal:
        journal.write({"step": 1, "a": float("nan"), "b": float("inf")})
    assert read_metrics(Path("m.jsonl")) == [{"step": 1, "a": None, "b": None}]


def test_a_line_that_was_cut_off_is_left_out():
    Path("m.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3')
    assert [line["step"] for line in read_metrics(Path("m.jsonl"))] == [1, 2]
    Path("m.jsonl").write_text('{"step": 1}\n{"step": 2}')
    assert [line["step"] for line in read_metrics(Path("m.jsonl"))] == [1], "it may have been longer"
    assert read_metrics(Path("none.jsonl")) == []


def test_truncating_keeps_the_lines_up_to_a_step_as_they_were():
    Path("m.jsonl").write_text('{"step": 1,  "x": 2}\n{"step": 2}\n{"step": 3}\n{"st')
    truncate(Path("m.jsonl"), 2)
    assert Path("m.jsonl").read_text() == '{"step": 1,  "x": 2}\n{"step": 2}\n'


def test_a_full_disk_is_told_in_words_when_a_line_is_logged():
    with pytest.raises(RunError, match="the disk is full; make room"), Journal(Path("/dev/full")) as journal:
        journal.write({"step": 1})


# ---- damaged runs


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"architecture": "dc', "cannot be read"),
        ("[]", "cannot be read"),
        ("", "cannot be read"),
        ('{"architecture": "dcgan", "format": 1}', "cannot be read"),
        ('{"architecture": 3, "options": {}, "format": 1}', "cannot be read"),
        ('{"architecture": "dcgan", "options": [], "format": 1}', "cannot be read"),
        ('{"architecture": "dcgan", "options": {}}', "cannot be read"),
        ('{"architecture": "dcgan", "options": {}, "format": 99}', "written by a newer zoo (format 99); upgrade"),
    ],
)
def test_a_damaged_config_is_refused_in_words(config, message):
    Path("config.json").write_text(config)
    with pytest.raises(RunError, match=re.escape(message)):
        zoo.Run(".")


@pytest.mark.parametrize(
    "data", [None, {}, {"class_names": []}, {"channels": 1, "height": "x", "width": 1, "class_names": []}, 3]
)
def test_a_config_without_its_data_is_refused_in_words(data):
    Path("config.json").write_text(
        json.dumps({"architecture": "dcgan", "options": {}, "format": 1} | ({"data": data} if data is not None else {}))
    )
    with pytest.raises(RunError, match="does not describe its data"):
        zoo.Run(".").geometry()


def test_a_folder_that_is_no_run_suggests_the_one_inside():
    Path("runs/dcgan-001").mkdir(parents=True)
    Path("runs/dcgan-001/config.json").touch()
    with pytest.raises(RunError, match=saying("runs is not a run", "config.json", "runs/dcgan-001")):
        zoo.Run("runs")
    with pytest.raises(RunError, match=saying("no run at nowhere", "zoo train")):
        zoo.Run("nowhere")


def test_images_of_the_prepared_data_are_those_that_were_given(images):
    """The round trip from .npz to batches loses nothing: the tests above stand on it."""
    from zoo.data import open_source, prepare

    store = prepare(open_source(str(images)), zoo.DataSpec(1, 8, 8))
    with np.load(images) as given:
        np.testing.assert_array_equal(store.images, given["images"])
