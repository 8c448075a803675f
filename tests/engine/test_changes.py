"""What may change when a run goes on: it is written down with its step, and the run is as exact afterwards as any other."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from support import Notes, Stop, assert_refused, flags, tiny, write_images, zoo_process

import zoo
from zoo.data.loader import Loader
from zoo.errors import OptionError, RunError
from zoo.options import Options
from zoo.options.changeable import CHANGEABLE, why_fixed
from zoo.plugins.registry import registry
from zoo.run.checkpoint import read_state
from zoo.testing.comparing import run_differences


@pytest.fixture
def stopped(images):
    """A run of 8 steps that was stopped after 4: of 24 images it has seen all once, and 8 for the second time."""
    rates = dict(learning_rate=2e-3, discriminator_learning_rate=1e-3, schedule_hold=0.5, ema=0.998)
    options = tiny("dcgan", steps=8, sample_every=2) | rates
    return zoo.train("dcgan", data=str(images), out="run", callbacks=[Stop(4)], **options)


def journal(run: zoo.Run) -> list[tuple[int, str, object, object]]:
    return [(change["step"], change["option"], change["from"], change["to"]) for change in zoo.Run(run.path).changes]


CHANGES = {
    "rates": dict(learning_rate=1e-3, discriminator_learning_rate=1e-4, schedule="cosine", warmup=5),
    "larger batches": dict(batch_size=12),
    "smaller batches": dict(batch_size=3),
    "remainders": dict(drop_remainder=False, batch_size=5),
    "more batches a step": dict(discriminator_steps=2, accumulate=2),
    "an average": dict(ema=0.9),
    "no average": dict(ema=0.0),
    "a penalty": dict(r1=0.1, r1_every=2),
    "augmentations": dict(augment=["cutout"], flip=True),
    "float16": dict(precision="float16"),
    "both at once": dict(reuse_fakes=False, simultaneous=True),
    "other betas": dict(beta1=0.0, beta2=0.9, epsilon=1e-7, weight_decay=0.01),
    "frozen layers": dict(freeze_d=1),
    "each epoch": dict(each_epoch=True, batch_size=10),
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_run_that_was_changed_goes_on_exactly_when_it_is_stopped_or_killed_again(images, changes):
    start = dict(ema=0.0) if changes.get("ema") else {}
    options = tiny("dcgan", **{"steps": 8, "sample_every": 2, **start})
    zoo.train("dcgan", data=str(images), out="run", callbacks=[Stop(4)], **options)
    for copy in ("parts", "killed"):
        shutil.copytree("run", copy)
    whole = zoo.resume("run", **changes)
    assert whole.latest()[0] == 8
    assert {step for step, *_ in journal(whole)} == {4}
    assert {name for _, name, *_ in journal(whole)} <= changes.keys()

    zoo.resume("parts", callbacks=[Stop(6)], **changes)
    assert run_differences(whole, zoo.resume("parts")) == []
    assert journal(zoo.Run("parts")) == journal(whole)

    zoo.resume("killed", callbacks=[Stop(6)], **changes)
    shutil.rmtree("killed/checkpoints/step-00000006")  # as if it had never been written
    assert run_differences(whole, zoo.resume("killed")) == []
    assert journal(zoo.Run("killed")) == journal(whole)


def test_what_is_given_and_is_no_other_changes_nothing(images, stopped):
    shutil.copytree("run", "other")
    plain = zoo.resume("run")
    assert "changes" not in plain.config
    same = zoo.resume("other", batch_size=8, ema=0.998)
    assert (same.changes, run_differences(plain, same)) == ([], [])


def test_the_journal_tells_which_option_changed_with_which_step(stopped):
    said: list[str] = []
    zoo.resume("run", callbacks=[Stop(5), Notes(said)], learning_rate=1e-3, log_every=2)
    assert "--learning-rate is 0.001 from step 4 on, and was 0.002" in said
    run = zoo.resume("run", learning_rate=5e-4, schedule="constant", steps=7)
    assert journal(run) == [
        (4, "learning_rate", 2e-3, 1e-3),
        (4, "log_every", 1, 2),
        (5, "steps", 8, 7),
        (5, "learning_rate", 1e-3, 5e-4),
        (5, "schedule", "linear", "constant"),
    ]
    assert {change["zoo"] for change in run.changes} == {zoo.__version__}
    assert all("T" in change["time"] for change in run.changes)
    options = run.config["options"]
    assert (options["learning_rate"], options["log_every"], options["steps"], run.config["steps"]) == (5e-4, 2, 7, 7)
    assert [(line["step"], line["learning_rate"]) for line in run.metrics()[3:]] == [(4, 2e-3), (6, 5e-4), (7, 5e-4)]


def test_a_change_that_a_checkpoint_was_written_before_is_met_again_from_there(stopped):
    """The newest checkpoint is put aside, and with it the steps before the second change."""
    zoo.resume("run", callbacks=[Stop(5)], batch_size=12, keep_checkpoints=9)
    zoo.resume("run", callbacks=[Stop(6)], batch_size=4)
    shutil.rmtree("run/checkpoints/step-00000006")
    shutil.rmtree("run/checkpoints/step-00000005")
    assert journal(zoo.resume("run")) == [(4, "batch_size", 8, 4), (4, "keep_checkpoints", 2, 9)]


def test_the_data_goes_on_behind_what_was_seen_of_the_epoch(images, stopped, monkeypatch):
    shown = []
    batch = Loader.batch
    monkeypatch.setattr(Loader, "batch", lambda self, number: shown.append((number, self)) or batch(self, number))
    run = zoo.resume("run", batch_size=12)
    loader = shown[0][1]
    order = {epoch: loader._permutation(epoch) for epoch in (1, 2)}
    assert loader._indices(4).tolist() == order[1][8:20].tolist(), "the 8 that were seen are not seen again"
    assert loader._indices(5).tolist() == order[2][:12].tolist(), "4 fill no batch"
    assert read_state(run.latest()[1]).parts["batches"] == {
        "drawn": 8, "begins": {"step": 4, "drawn": 4, "images": 32, "epoch": 1, "seen": 8},
    }  # fmt: skip


def test_a_length_in_epochs_counts_those_before_the_change(images):
    options = {key: value for key, value in tiny("dcgan").items() if key != "steps"}
    zoo.train("dcgan", data=str(images), out="run", epochs=3, callbacks=[Stop(4)], **options)  # of 3 steps each
    assert zoo.Run("run").config["steps"] == 9
    run = zoo.resume("run", batch_size=12)
    assert (run.config["steps"], run.latest()[0]) == (4 + 1 + 2, 7)
    assert run.config["options"]["epochs"] == 3


# ---- what may not change


def test_every_option_of_zoo_may_change_or_has_a_reason_why_not():
    assert set(CHANGEABLE) < Options.model_fields.keys()
    assert len(CHANGEABLE) == len(set(CHANGEABLE))
    for name in Options.model_fields.keys() - set(CHANGEABLE):
        assert why_fixed(name) not in ("", why_fixed("an architecture's own")), name


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (dict(width=4), "the architecture's own"),
        (dict(latent=8), "the networks are built for it"),
        (dict(size=32), "the networks are built for it"),
        (dict(fit="stretch"), "which images the run learns from"),
        (dict(seed=9), "weights, latents and the order"),
        (dict(order="sequential"), "which images of an epoch have been seen"),
        (dict(optimizer="sgd"), "what the optimiser keeps"),
        (dict(objective="hinge"), "what the discriminator's output means"),
        (dict(samples=9), "the same latents"),
        (dict(no_bias=None), "the architecture's own"),
    ],
    ids=str,
)
def test_what_a_run_cannot_change_is_refused_by_name_with_the_reason_and_the_way_out(stopped, cli, given, reason):
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    ((name, value),) = given.items()
    typed = [f"--{name.replace('_', '-')}", *([] if value is None else [value])]
    shown = "--" + name.removeprefix("no_").replace("_", "-")
    outcome = cli("resume", "run", *typed)
    assert_refused(outcome, f"{shown} cannot change when run goes on", reason, "zoo train dcgan --from run")
    if value is not None:
        with pytest.raises(OptionError, match=reason):
            zoo.resume("run", **given)
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(learning_rate=-1), "--learning-rate: -1 does not fit"),
        (dict(nope=3), "unknown option 'nope'"),
        (dict(batch_size=25), "--batch-size 25 is larger than the data"),
        (dict(simultaneous=True, evaluate_fakes=True), "--no-evaluate-fakes"),
        (dict(augment=["cutout", "cutout"]), "--augment names cutout twice"),
        (dict(augment=["gone"]), "gone"),
        (dict(steps=9, epochs=2), "give one of them"),
        (dict(freeze_d=99), "--freeze-d 99"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_before_anything_is_written(stopped, given, words):
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    with pytest.raises(zoo.errors.ZooError) as refused:
        zoo.resume("run", **given)
    assert words in str(refused.value)
    assert "backup" not in str(refused.value)
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "changes", [3, [3], [{"step": 1}], [{"step": "x", "option": "ema", "from": 0, "to": 1}]], ids=str
)
def test_a_journal_that_was_damaged_is_told_of(stopped, cli, changes):
    file = Path("run/config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "changes": changes}))
    assert_refused(cli("resume", "run"), "config.json does not tell what has changed", "from a backup")


# ---- the command line


def test_the_command_takes_the_options_as_train_declares_them(stopped, cli):
    shown = " ".join(cli("resume", "--help").out.replace("│", " ").split())
    for name in CHANGEABLE:
        assert f"--{name.replace('_', '-')}" in shown
    assert "Real images in each discriminator" in shown  # the help may set two groups side by side
    assert "(default: the run's)" in shown
    assert "--latent " not in shown
    line = ["--learning-rate=1e-3", "--batch-size", 12, "--no-drop-remainder", "--discriminator-learning-rate", None]
    assert cli("resume", "run", *line, "--augment", "color", "cutout").code == 0
    changed = {name: (was, now) for _, name, was, now in journal(zoo.Run("run"))}
    assert changed == {
        "learning_rate": (2e-3, 1e-3),
        "discriminator_learning_rate": (1e-3, None),
        "batch_size": (8, 12),
        "drop_remainder": (True, False),
        "augment": ([], ["color", "cutout"]),
    }


def test_options_without_a_run_and_unknown_ones_are_told_of(cli):
    assert_refused(cli("resume", "nowhere", "--width", 3), "--width")
    assert_refused(cli("resume", "nowhere", "--learning-rate", 1e-3), "there is no run at nowhere")
    assert_refused(cli("resume", "nowhere", "--learning-rat", 1e-3), "did you mean --learning-rate?")
    assert cli("resume").code == 2


KILLER = """
import os
import signal
import time
import zoo

class Killer(zoo.Callback):
    def __init__(self, run):
        self.checkpoint = run.path / "checkpoints" / "step-00000006"

    def on_step(self, step):
        if step == 7 and os.environ.get("KILL"):
            while not self.checkpoint.is_dir():  # it is written beside the training
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Killer(run)
"""


def test_a_process_that_is_killed_after_a_change_goes_on_exactly(images, stopped, install):
    install(KILLER, "zoo_killer")
    shutil.copytree("run", "whole")
    line = ["--batch-size", 12, "--learning-rate", 1e-3, "--checkpoint-every", 2]
    zoo_process("resume", "whole", *line, check=True)
    assert zoo_process("resume", "run", *line, KILL="yes").code == -signal.SIGKILL
    assert zoo.Run("run").latest()[0] == 6
    zoo_process("resume", "run", check=True)
    assert run_differences(zoo.Run("whole"), zoo.Run("run")) == []


# ---- where the data is


def test_data_that_was_moved_is_found_by_its_new_place_which_is_remembered(tmp_path, images, cli):
    data = shutil.copy(images, tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    place = tmp_path / "elsewhere"
    place.mkdir()
    Path(data).rename(place / "other.npz")
    assert_refused(cli("resume", "run", "--steps", 5), "does not exist any more", "zoo resume run --data PLACE")
    assert cli("resume", "run", "--steps", 5, "--data", place / "other.npz").code == 0
    run = zoo.resume("run", steps=6)
    assert run.config["options"]["data"] == str((place / "other.npz").resolve())
    assert (4, "data", str(data), str((place / "other.npz").resolve())) in journal(run)
    assert run.data_title == zoo.Run("run").config["data"]["title"] == "other.npz"


@pytest.mark.parametrize("given", [True, False])
def test_other_data_is_refused_with_what_has_changed_and_the_way_out(tmp_path, images, cli, given):
    data = Path(shutil.copy(images, tmp_path / "mine.npz"))
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    before = Path("run/config.json").read_bytes()
    other = write_images(tmp_path / "other.npz" if given else data, count=64)
    outcome = cli("resume", "run", "--steps", 5, *(["--data", other] if given else []))
    change = "its content is another" if given else "its content has changed"
    assert_refused(
        outcome, f"{other} is not what run was trained on: {change} (24 images then, 64 now)",
        f"zoo train dcgan --from run --data {other}",
    )  # fmt: skip
    assert Path("run/config.json").read_bytes() == before


def test_classes_that_differ_are_told_where_the_run_is_conditional(tmp_path):
    from PIL import Image

    def write(name: str, count: int) -> None:
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(count):
            grey = np.full((8, 8), 20 * number, np.uint8)
            Image.fromarray(grey).save(tmp_path / "pets" / name / f"{number}.png")

    write("cats", 8)
    write("dogs", 8)
    zoo.train("cgan", data=str(tmp_path / "pets"), out="run", **tiny("cgan"), preset="mlp", size=8)
    write("fish", 3)
    (tmp_path / "pets/dogs").rename(tmp_path / "pets/hounds")
    with pytest.raises(RunError, match=r"16 images then, 19 now; classes new: fish, hounds, gone: dogs"):
        zoo.resume("run", steps=9)


def test_a_place_may_be_given_as_a_path_and_is_to_be_one(stopped, images):
    assert zoo.resume("run", data=Path(images)).latest()[0] == 8
    with pytest.raises(OptionError, match="data is 3"):
        zoo.resume("run", data=3)


def test_data_that_is_none_is_told_as_ever(stopped, cli):
    assert_refused(cli("resume", "run", "--data", "nowhere.npz"), "'nowhere.npz'", "does not exist")


def test_every_architecture_takes_changes(images):
    for name in ("vanilla", "lsgan", "cgan"):
        zoo.train(name, data=str(images), out=name, **tiny(name))
        assert journal(zoo.resume(name, steps=5, batch_size=6)) == [(4, "steps", 4, 5), (4, "batch_size", 8, 6)]
        assert registry().architecture(name).name == name


def test_flags_of_the_tests_are_those_of_the_command(images, cli):
    zoo.train("vanilla", data=str(images), out="run", **tiny("vanilla"))
    assert cli("resume", "run", *flags(dict(steps=5, log_every=2))).code == 0
