"""A run that was stopped, by whatever, goes on exactly as if it had not been."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from messages import assert_says, saying
from support import Stop, assert_same_checkpoint, flags, tensors, tiny, write_images, zoo_process

import zoo
from zoo.errors import RunError
from zoo.run.checkpoint import read_state
from zoo.testing.comparing import run_differences


def assert_same_run(whole: zoo.Run, parts: zoo.Run) -> None:
    """Bit for bit the same checkpoint and pictures, and the same metrics but for what a clock says."""
    assert run_differences(whole, parts) == []
    assert (whole.path / "samples.gif").read_bytes() == (parts.path / "samples.gif").read_bytes()


WAYS = {
    "adam": dict(),
    "adamw, linear": dict(optimizer="adamw", weight_decay=0.1, schedule="linear"),
    "rmsprop, momentum": dict(optimizer="rmsprop", momentum=0.5),
    "sgd, nesterov": dict(optimizer="sgd", momentum=0.9, nesterov=True, schedule="cosine", warmup=3),
    "Keras' adam": dict(epsilon_style="keras", epsilon=0.1, schedule="exponential", schedule_decay=1.5),
    "Keras' rmsprop, changing momentum": dict(
        optimizer="rmsprop", epsilon_style="keras", momentum=0.2, final_momentum=0.8, momentum_steps=6
    ),
    "Keras' rmsprop, float16": dict(optimizer="rmsprop", epsilon_style="keras", precision="float16"),
    "sgd, changing momentum, lowest rate": dict(
        optimizer="sgd",
        momentum=0.2,
        final_momentum=0.8,
        momentum_steps=6,
        schedule="linear",
        minimum_learning_rate=1e-3,
        learning_rate=0.01,
    ),
    "sgd, plain": dict(optimizer="sgd", ema=0.0),
    "reused fakes, flips": dict(reuse_fakes=True, flip=True),
    "both at once": dict(simultaneous=True),
    "both at once, float16": dict(simultaneous=True, precision="float16"),
    "fakes in evaluation mode": dict(evaluate_fakes=True, reuse_fakes=False, joined=True),
    "new fakes, accumulated": dict(reuse_fakes=False, accumulate=2),
    "slices, uniform latents": dict(order="slice", latent_distribution="uniform"),
    "sequential, several D steps": dict(order="sequential", discriminator_steps=2),
    "a shuffle buffer, remainders": dict(
        order="buffer", shuffle_buffer=5, batch_size=7, drop_remainder=False, flip=True, reuse_fakes=True
    ),
    "remainders in the order of the files": dict(
        order="sequential", batch_size=9, drop_remainder=False, reuse_fakes=False, joined=True
    ),
    "pictures each epoch": dict(each_epoch=True, batch_size=7, drop_remainder=False),
    "unit latents": dict(latent_distribution="unit"),
    "float16": dict(precision="float16"),
    "Keras' adam, float16": dict(precision="float16", epsilon_style="keras", epsilon=0.1),
    "epochs": dict(epochs=8 / 3),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_run_stopped_by_a_signal_goes_on_exactly(images, way):
    options = tiny("dcgan", **{"steps": 8, "sample_every": 2, **way})
    if "epochs" in way:
        del options["steps"]
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    stop = Stop(3)
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[stop], **options)
    assert stop.told == (3, False)
    assert zoo.Run("parts").latest()[0] == 3
    parts = zoo.resume("parts")
    assert whole.latest()[0] == 8
    assert_same_run(whole, parts)


DROPOUT = """
import torch
from torch import nn
import zoo

class Noisy(zoo.Architecture):
    '''Networks that draw random numbers of their own, as dropout does.'''
    name = "noisy"
    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Dropout(), nn.Unflatten(1, data.shape), nn.Tanh())
    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(data.numel, 1))

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Noisy)
"""


def test_random_numbers_that_networks_draw_go_on_exactly(images, install):
    install(DROPOUT, "zoo_noisy")
    options = tiny("noisy", steps=6, sample_every=2)
    whole = zoo.train("noisy", data=str(images), out="whole", **options)
    zoo.train("noisy", data=str(images), out="parts", callbacks=[Stop(3)], **options)
    assert_same_run(whole, zoo.resume("parts"))


def test_it_may_be_stopped_and_go_on_many_times(images):
    options = tiny("vanilla", steps=6, sample_every=1)
    whole = zoo.train("vanilla", data=str(images), out="whole", **options)
    zoo.train("vanilla", data=str(images), out="parts", callbacks=[Stop(1)], **options)
    for after in (2, 4):
        zoo.resume("parts", callbacks=[Stop(after)])
    assert_same_run(whole, zoo.resume("parts"))


def test_what_comes_after_the_newest_checkpoint_is_done_again_and_logged_once(images):
    """As after a crash: metrics and pictures are ahead of the checkpoint."""
    options = tiny("dcgan", steps=6, checkpoint_every=2, sample_every=1)
    whole = zoo.train("dcgan", data=str(images), out="whole", keep_checkpoints=9, **options)
    shutil.copytree("whole", "parts")
    for step in (4, 6):
        shutil.rmtree(f"parts/checkpoints/step-{step:08d}")
    with Path("parts/metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "d_lo')
    parts = zoo.resume("parts")
    assert [line["step"] for line in parts.metrics()] == [1, 2, 3, 4, 5, 6]
    assert_same_run(whole, parts)
    assert_same_checkpoint(dict(whole.checkpoints)[4], dict(parts.checkpoints)[4])


# ---- going on with a finished run


def test_a_finished_run_says_so_and_goes_on_to_more_steps(images, cli):
    common = flags(tiny("dcgan", data=images, sample_every=2, schedule="constant"))
    assert cli("train", "dcgan", *common, "--out", "run").code == 0
    outcome = cli("resume", "run")
    assert outcome.code == 2
    assert "run is finished: 4 of 4 steps; zoo resume run --steps N goes on" in outcome.err
    assert cli("resume", "run", "--steps", 4).code == 2
    assert cli("resume", "run", "--steps", 2).code == 2
    assert zoo.Run("run").config["steps"] == 4
    assert cli("resume", "run", "--steps", 8).code == 0
    assert (zoo.Run("run").config["steps"], zoo.Run("run").config["options"]["steps"]) == (8, 8)
    whole = zoo.train(
        "dcgan", out="whole", **tiny("dcgan", data=str(images), sample_every=2, steps=8, schedule="constant")
    )
    assert_same_run(whole, zoo.Run("run"))


def test_a_run_of_epochs_goes_on_to_a_number_of_steps(images):
    options = {key: value for key, value in tiny("dcgan").items() if key != "steps"}
    zoo.train("dcgan", data=str(images), out="run", epochs=1, **options)
    run = zoo.resume("run", steps=5)
    assert run.latest()[0] == 5
    assert (run.config["options"]["steps"], run.config["options"]["epochs"]) == (5, None)


def test_it_goes_on_from_any_folder_with_data_that_was_named_from_there(images, monkeypatch):
    Path("data").mkdir()
    shutil.copy(images, "data/images.npz")
    run = zoo.train("dcgan", data="data/images.npz", out="run", **tiny("dcgan", steps=2))
    place = run.path.resolve()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert zoo.resume(place, steps=3).latest()[0] == 3


def test_data_that_has_changed_is_noticed(tmp_path, images):
    data = shutil.copy(images, tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan", steps=2))
    write_images(Path(data), count=32)
    with pytest.raises(RunError, match="its content has changed"):
        zoo.resume("run", steps=3)


# ---- real processes, real signals

KILLER = """
import os
import signal
import time
import zoo
from zoo.callback import Callback

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as tests in the background of a shell are started
    signal.signal(signal.SIGINT, signal.default_int_handler)

class Killer(Callback):
    def __init__(self, run):
        self.checkpoints = f"{run.path}/checkpoints/"  # which are written beside the training

    def on_step(self, step):
        if step == 5 and os.environ.get("KILL_WITH"):
            while "KILL_BEHIND" in os.environ and not os.path.isdir(self.checkpoints + os.environ["KILL_BEHIND"]):
                time.sleep(0.01)
            os.kill(os.getpid(), int(os.environ["KILL_WITH"]))

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Killer(run)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_process_that_is_ended_between_checkpoints_goes_on_exactly(images, install, number):
    install(KILLER, "zoo_killer")
    options = tiny("dcgan", steps=8, sample_every=2, checkpoint_every=3)
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)

    ended = zoo_process(
        "train",
        "dcgan",
        "--data",
        images,
        *flags(options),
        "--out",
        "parts",
        KILL_WITH=str(number.value),
        KILL_BEHIND="step-00000003",
    )
    parts = zoo.Run("parts")
    if number == signal.SIGKILL:
        assert ended.code == -signal.SIGKILL
        assert parts.latest()[0] == 3, "the newest that was whole"
    else:
        assert (ended.code, ended.err) == (128 + number, "")
        assert "stopped after step 5, saved; go on with: zoo resume parts" in ended.out
        assert parts.latest()[0] == 5
    assert not (parts.path / "samples.gif").exists()

    resumed = zoo_process("resume", "parts")
    assert (resumed.code, resumed.err) == (0, "")
    assert_same_run(whole, zoo.Run("parts"))


@pytest.mark.parametrize("origin", [None, "first"], ids=["new", "from another run"])
def test_a_process_that_is_killed_before_its_first_checkpoint_begins_again_at_step_0(images, install, cli, origin):
    install(KILLER, "zoo_killer")
    options = tiny("dcgan", steps=8, sample_every=2)
    common = ["--data", images, *flags(options)]
    if origin is not None:
        zoo.train("dcgan", data=str(images), out=origin, **tiny("dcgan"))
        common += ["--from", origin]
    whole = zoo.train("dcgan", data=str(images), out="whole", from_run=origin, **options)
    zoo_process("train", "dcgan", *common, "--out", "run", KILL_WITH=str(signal.SIGKILL.value))
    assert [line["step"] for line in zoo.Run("run").metrics()] == [1, 2, 3, 4, 5]
    outcome = cli("sample", "run")
    assert outcome.code == 2
    assert_says(outcome.err, "run has no checkpoint yet", "zoo resume run trains it from step 0 on")
    outcome = zoo_process("resume", "run")
    assert (outcome.code, outcome.err) == (0, "")
    assert "run has no checkpoint yet: it begins again at step 0" in outcome.out
    assert_same_run(whole, zoo.Run("run"))


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_run_that_began_with_weights_which_are_no_longer_there_does_not_begin_again(images, change):
    zoo.train("dcgan", data=str(images), out="first", **tiny("dcgan", steps=2))
    zoo.train("dcgan", data=str(images), out="run", from_run="first", **tiny("dcgan", steps=2))
    shutil.rmtree("run/checkpoints")
    Path("run/metrics.jsonl").unlink()
    shutil.rmtree("first")
    if change == "other":
        zoo.train("dcgan", data=str(images), out="first", **tiny("dcgan", steps=2, seed=9))
    told = ["first", "cannot be read" if change == "gone" else "has other weights by now", "zoo train NAME --from RUN"]
    with pytest.raises(RunError, match=saying(*told)):
        zoo.resume("run")


@pytest.mark.parametrize("lacking", [["samples.gif"], ["curves.png"], ["samples.gif", "curves.png"]])
def test_a_run_that_was_ended_behind_its_last_checkpoint_gets_its_film_and_curves(images, cli, lacking):
    pytest.importorskip("matplotlib")
    options = tiny("dcgan", steps=6, sample_every=2)
    whole = zoo.train("dcgan", data=str(images), out="whole/run", **options)
    shutil.copytree("whole/run", "run")
    for name in lacking:
        Path("run", name).unlink()
    outcome = cli("resume", "run")
    assert outcome.code == 0
    assert "done: 6 steps" in outcome.out
    assert_same_run(whole, zoo.Run("run"))
    assert (whole.path / "curves.png").read_bytes() == Path("run/curves.png").read_bytes()
    assert "is finished" in cli("resume", "run").err


# ---- what a checkpoint holds


def test_a_checkpoint_holds_all_that_a_run_needs_to_go_on(images):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan"))
    folder = run.latest()[1]
    kept = tensors(folder)
    parts = {".".join(name.split(".")[:2]) for name in kept if name.startswith("state.")}
    assert parts == {"state.ema", "state.optimizer", "state.random", "state.latents"}
    assert {"state.latents.random", "state.random.torch"} <= kept.keys()
    state = read_state(folder)
    assert (state.step, state.parts["batches"], state.parts["ema"]["updates"]) == (4, {"drawn": 4}, 4)
