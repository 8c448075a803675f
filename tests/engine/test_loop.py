"""The loop: what is written when, what is read back, what watchers are told."""

from __future__ import annotations

import gc
import json
import math
import re
import shutil
import threading
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support import Stop, flags, tensors, tiny
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import zoo
from zoo.callback import Callback
from zoo.engine.runtime.clock import Clock
from zoo.plugins.registry import Contribution, registry

PLAIN = dict(order="shuffle", joined=False)
"""What turns the vanilla GAN's default into a plain one."""


class Recorder(Callback):
    """Writes down everything that it is told."""

    def __init__(self):
        self.told = []

    def on_start(self, run, step, steps):
        self.told.append(("start", step, steps))

    def on_step(self, step):
        self.told.append(("step", step))

    def on_metrics(self, metrics):
        self.told.append(("metrics", metrics["step"]))

    def on_sample(self, step, picture):
        assert picture.is_file()
        self.told.append(("sample", step))

    def on_checkpoint(self, step, checkpoint):
        assert (checkpoint / "state.json").is_file()
        self.told.append(("checkpoint", step))

    def on_end(self, run, step, finished):
        self.told.append(("end", step, finished))


# ---- what is written when


def test_watchers_are_told_of_everything_in_order(images):
    recorder = Recorder()
    options = tiny("dcgan", steps=5, log_every=2, sample_every=3, checkpoint_every=4)
    zoo.train("dcgan", data=str(images), out="run", callbacks=[recorder], **options)
    checkpoints = [told for told in recorder.told if told[0] == "checkpoint"]
    assert [told for told in recorder.told if told not in checkpoints] == [
        ("start", 0, 5), ("sample", 0),
        ("step", 1),
        ("metrics", 2), ("step", 2),
        ("sample", 3), ("step", 3),
        ("metrics", 4), ("step", 4),
        ("metrics", 5), ("sample", 5), ("step", 5),
        ("end", 5, True),
    ]  # fmt: skip
    assert checkpoints == [("checkpoint", 4), ("checkpoint", 5)]
    for step in (4, 5):  # they are written beside the training, and told of when they are whole
        assert recorder.told.index(("metrics", step)) < recorder.told.index(("checkpoint", step))
    assert recorder.told[-1] == ("end", 5, True)


def test_watchers_of_a_resumed_run_are_told_where_it_goes_on(images):
    zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=2))
    recorder = Recorder()
    zoo.resume("run", steps=3, callbacks=[recorder])
    recorder.told.remove(("checkpoint", 3))
    assert recorder.told == [("start", 2, 3), ("metrics", 3), ("sample", 3), ("step", 3), ("end", 3, True)]


def test_an_exception_of_a_watcher_stops_the_run(images):
    class Broken(Callback):
        def on_step(self, step):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        zoo.train("dcgan", data=str(images), out="run", callbacks=[Broken()], **tiny("dcgan"))


@pytest.mark.parametrize(("epochs", "more", "steps"), [
    (2.0, {}, 6), (0.4, {}, 2), (0.01, {}, 1), (2.0, dict(accumulate=3), 2), (2.0, dict(discriminator_steps=2), 3)
])  # fmt: skip
def test_epochs_are_passes_of_the_discriminator_over_the_data(images, epochs, more, steps):
    """24 images in batches of 8 are three batches an epoch."""
    options = {key: value for key, value in tiny("dcgan", **more).items() if key != "steps"}
    run = zoo.train("dcgan", data=str(images), out="run", epochs=epochs, **options)
    assert run.config["steps"] == run.latest()[0] == steps


@pytest.mark.parametrize(("batch_size", "drop", "steps"), [(7, True, 6), (7, False, 8), (8, False, 6), (23, False, 4)])
def test_an_epoch_counts_its_smaller_last_batch(images, batch_size, drop, steps):
    """Two epochs of 24 images."""
    options = tiny("vanilla", batch_size=batch_size, drop_remainder=drop, evaluate_fakes=True)
    del options["steps"]
    run = zoo.train("vanilla", data=str(images), out="run", epochs=2, **PLAIN, **options)
    assert run.config["steps"] == run.latest()[0] == steps


def test_the_speed_counts_the_images_of_smaller_batches_as_they_are(images, monkeypatch):
    """24 images in batches of 7, one a second by a clock that is told: 7, 7, 7, 3, 7."""
    now = [0.0]
    monkeypatch.setattr("zoo.engine.runtime.clock.time.perf_counter", lambda: now[0])

    class Tick(Callback):
        def on_start(self, run, step, steps):
            self.on_step(step)

        def on_step(self, step):
            now[0] += 1

    options = tiny("vanilla", steps=5, batch_size=7, drop_remainder=False, sample_every=9)
    run = zoo.train("vanilla", data=str(images), out="run", callbacks=[Tick()], **PLAIN, **options)
    assert [line["images_per_second"] for line in run.metrics()][1:] == [7, 7, 3, 7]


@pytest.mark.parametrize(("more", "told"), [
    (dict(epochs=2), [0, 3, 6]),
    (dict(steps=7), [0, 3, 6, 7]),
    (dict(epochs=3, accumulate=2), [0, 2, 3, 5]),
    (dict(epochs=2, discriminator_steps=2), [0, 2, 3]),
    (dict(epochs=2, batch_size=7, drop_remainder=False), [0, 4, 8]),
    (dict(steps=2, accumulate=9), [0, 1, 2]),
], ids=str)  # fmt: skip
def test_pictures_and_checkpoints_at_the_end_of_each_epoch(images, more, told):
    """24 images in batches of 8: an epoch is three batches of the discriminator's."""
    recorder = Recorder()
    options = {**tiny("vanilla", each_epoch=True, sample_every=1, checkpoint_every=1), **more}
    if "epochs" in more:
        del options["steps"]
    zoo.train("vanilla", data=str(images), out="run", callbacks=[recorder], **PLAIN, **options)
    assert [event[1] for event in recorder.told if event[0] == "sample"] == told
    assert [event[1] for event in recorder.told if event[0] == "checkpoint"] == told[1:]


def test_a_resumed_run_makes_no_picture_of_an_epoch_twice(images):
    options = tiny("vanilla", each_epoch=True, steps=7)
    zoo.train("vanilla", data=str(images), out="run", **PLAIN, **options)
    recorder = Recorder()
    run = zoo.resume("run", steps=12, callbacks=[recorder])
    assert [event[1] for event in recorder.told if event[0] == "sample"] == [9, 12]
    assert [path.name[5:-4] for path in run.samples] == [f"{step:08d}" for step in (0, 3, 6, 7, 9, 12)]


class Turns(zoo.Architecture):
    """D and G take turns, as in some documents: D has the even steps, G the odd ones."""

    name = "turns"

    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Unflatten(1, data.shape), nn.Tanh())

    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))

    def phases(self, options):
        return [zoo.Phase("discriminator", every=2), zoo.Phase("generator", every=2, offset=1)]


def test_an_epoch_of_networks_that_take_turns_ends_with_the_run(images, monkeypatch):
    """Else there would be two pictures, one step apart."""
    monkeypatch.setattr(registry(), "architecture", lambda name: Turns())
    monkeypatch.setattr(registry(), "contribution", lambda name: Contribution(Turns, registry().plugins[0]))
    recorder = Recorder()
    options = dict(batch_size=8, samples=1, latent=3, epochs=2, each_epoch=True)
    zoo.train("turns", data=str(images), out="run", callbacks=[recorder], **options)
    assert [event[1] for event in recorder.told if event[0] == "sample"] == [0, 6, 12]


def test_only_the_newest_checkpoints_are_kept(images):
    options = tiny("dcgan", steps=6, checkpoint_every=1, keep_checkpoints=3)
    run = zoo.train("dcgan", data=str(images), out="run", **options)
    assert [step for step, _ in run.checkpoints] == [4, 5, 6]


# ---- losses are read back only when they are logged


class Reads(TorchDispatchMode):
    """Counts every time that a number is taken out of a tensor, as float(), .item() and bool() do.

    Only of floats: the checks of one_hot on the CPU look at labels, which no device computes.
    """

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default and args[0].is_floating_point()
        return func(*args, **(kwargs or {}))


def test_the_counter_of_reads_counts():
    with Reads() as reads:
        tensor = torch.ones(()) + 1
        float(tensor), tensor.item(), bool(tensor)
    assert reads.count == 3


@pytest.mark.parametrize("name", ["dcgan", "vanilla", "cgan"])
def test_losses_are_read_back_only_when_they_are_logged(images, name):
    reads, after = Reads(), []

    class Count(Callback):
        def on_step(self, step):
            after.append(reads.count)

    options = tiny(name, steps=9, log_every=4, sample_every=100, checkpoint_every=100, r1=0.0)
    with reads:
        zoo.train(name, data=str(images), out="run", callbacks=[Count()], **options)
    in_step = [now - before for before, now in pairwise(after)]
    assert in_step[2] == in_step[6] == 4, "D's and G's loss, D(x), D(G(z)), in steps 4 and 8"
    assert [count for step, count in enumerate(in_step, 2) if step not in (4, 8, 9)] == [0] * 5


# ---- metrics


def test_a_line_of_metrics_holds_what_the_contract_says(images):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=3))
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert lines == run.metrics()
    assert [line["step"] for line in lines] == [1, 2, 3]
    for line in lines:
        assert {"step", "d_loss", "g_loss", "d_real", "d_fake", "images_per_second", "seconds"} <= line.keys()
        assert all(isinstance(value, int | float) for value in line.values())
        assert 0 <= line["d_real"] <= 1
        assert line["images_per_second"] > 0
    assert lines[0]["seconds"] <= lines[2]["seconds"]


def test_a_paused_clock_stands_still(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("zoo.engine.runtime.clock.time.perf_counter", lambda: now[0])
    clock = Clock(7.0)
    clock.start(0)
    now[0] += 2
    with clock.paused():
        now[0] += 1000
    now[0] += 3
    assert clock.seconds == 12
    assert clock.lap(50) == 10
    now[0] += 1
    assert clock.lap(54) == 4


# ---- divergence

DIVERGES = """
import torch
from torch import nn
import zoo

def loss(turn):
    value = turn.discriminate(turn.fakes.images).mean()
    return value * float("nan") if turn.number == 4 else value

class Doomed(zoo.Architecture):
    '''Its loss is not a number in the fifth step.'''
    name = "doomed"
    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Unflatten(1, data.shape), nn.Tanh())
    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))
    def phases(self, options):
        return [zoo.Phase("discriminator"), zoo.Phase("generator", loss=loss)]

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Doomed)
"""


@pytest.mark.parametrize("log_every", [1, 100])
def test_a_run_that_diverges_stops_and_keeps_the_checkpoint_from_before(images, install, cli, log_every):
    install(DIVERGES, "zoo_doomed")
    options = flags(tiny("doomed", data=images, steps=20, log_every=log_every, checkpoint_every=2, keep_checkpoints=1))
    outcome = cli("train", "doomed", *options, "--out", "run")
    assert outcome.code == 2
    assert re.search(r"\w+ is nan at step \d+: training has diverged", outcome.err)
    assert "--learning-rate" in outcome.err
    step, _ = zoo.Run("run").latest()
    assert step == 4
    assert bool(torch.isfinite(zoo.load("run")(2)).all())


def test_a_diverged_loss_is_null_in_the_metrics(images, install, cli):
    install(DIVERGES, "zoo_doomed")
    cli("train", "doomed", *flags(tiny("doomed", data=images, steps=20)), "--out", "run")
    assert [line["g_loss"] is None for line in zoo.Run("run").metrics()] == [False] * 4 + [True]
    for line in Path("run/metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


FROZEN = """
import zoo
from torch import nn

class Frozen(zoo.Architecture):
    '''A part of each network keeps the statistics that it begins with.'''
    name = "frozen"
    def generator(self, options, data):
        still = nn.BatchNorm1d(data.numel).eval()
        return nn.Sequential(nn.Linear(options.latent, data.numel), still, nn.Unflatten(1, data.shape), nn.Tanh())
    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(data.numel).eval(), nn.Linear(data.numel, 1))

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Frozen)
"""


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_a_plugin_froze_stays_frozen_whatever_is_tried_and_drawn(images, install, ema):
    """It learns from single images too: batch normalisation that is frozen needs no batch."""
    install(FROZEN, "zoo_frozen")
    run = zoo.train("frozen", data=str(images), out="run", **tiny("frozen", sample_every=1, batch_size=1, ema=ema))
    for network in ("generator", "discriminator"):
        held = {name: value for name, value in tensors(run.latest()[1]).items() if name.startswith(f"{network}.")}
        statistics = [value for name, value in held.items() if "running_mean" in name]
        assert len(statistics) == 1
        assert not statistics[0].any()


def test_a_run_that_is_stopped_after_it_diverged_does_not_save_broken_weights(images, install):
    install(DIVERGES, "zoo_doomed")

    options = tiny("doomed", steps=20, log_every=100, checkpoint_every=4, keep_checkpoints=1)
    with pytest.raises(zoo.errors.RunError, match="diverged"):
        zoo.train("doomed", data=str(images), out="run", callbacks=[Stop(6)], **options)
    assert zoo.Run("run").latest()[0] == 4


# ---- what cannot be trained

SHAPES = """
from torch import nn
import zoo

class Odd(zoo.Architecture):
    '''Does not keep its word.'''
    name = "odd"
    def generator(self, options, data):
        return {generator}
    def discriminator(self, options, data):
        return {discriminator}
    {more}

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Odd)
"""
GOOD_G = "nn.Sequential(nn.Linear(options.latent, data.numel), nn.Unflatten(1, data.shape))"
GOOD_D = "nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))"


@pytest.mark.parametrize(
    ("generator", "discriminator", "more", "message"),
    [
        (GOOD_G, GOOD_D, "", None),
        ("nn.Linear(options.latent, 3)", GOOD_D, "", "the generator of 'odd' makes (2, 3) of 2 latents"),
        (GOOD_G, "nn.Conv2d(1, 1, 1)", "", "the discriminator of 'odd' makes (2, 1, 8, 8) of 2 images"),
        (GOOD_G, "nn.Linear(5, 1)", "", "the discriminator of 'odd' fails for input of shape (2, 1, 8, 8)"),
        ("None", GOOD_D, "", "odd.generator() returned NoneType, not a torch.nn.Module"),
        (GOOD_G, GOOD_D, "objective = 'hing'", "unknown objective of odd 'hing'; did you mean 'hinge'?"),
        (GOOD_G, GOOD_D, "objective = zoo.Objective('relativistic')", None),
    ],
    ids=[
        "good",
        "shape of images",
        "shape of logits",
        "fails",
        "no module",
        "objective",
        "objective by its kind alone",
    ],
)
def test_networks_that_do_not_fit_are_told_before_anything_is_written(
    images, install, cli, generator, discriminator, more, message
):
    install(SHAPES.format(generator=generator, discriminator=discriminator, more=more), "zoo_odd")
    outcome = cli("train", "odd", *flags(tiny("odd", data=images)), "--out", "run")
    assert outcome.code == (2 if message else 0)
    assert (message or "") in outcome.err
    assert Path("run").exists() is (message is None)


def test_a_longer_run_holds_no_more_tensors(images):
    alive = {}

    class Count(Callback):
        def on_step(self, step):
            if step in (10, 60):
                gc.collect()
                alive[step] = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    options = tiny("cgan", steps=60, sample_every=5, checkpoint_every=5, samples=2)
    zoo.train("cgan", data=str(images), out="run", callbacks=[Count()], **options)
    ahead = 2 * 4  # images and labels of the batches that may or may not be waiting
    copies = sum(len(load_file(file)) for file in Path("run/checkpoints/step-00000060").glob("*.safetensors"))
    assert alive[60] <= alive[10] + ahead + copies, "of a checkpoint that may or may not be written by then"


def loader_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("zoo-")]


@pytest.mark.parametrize("fails", [False, True])
def test_threads_that_prepare_batches_end_with_the_run(images, fails):
    seen = []

    class Look(Callback):
        def on_step(self, step):
            seen.append(loader_threads())
            if fails:
                raise ZeroDivisionError

        def on_end(self, run, step, finished):
            seen.append(loader_threads())

    def train():
        zoo.train("dcgan", data=str(images), out="run", callbacks=[Look()], **tiny("dcgan"))

    if fails:
        with pytest.raises(ZeroDivisionError) as held:  # what went wrong holds on to every frame
            train()
        assert held.value is not None
        assert loader_threads() == []
    else:
        train()
        assert seen[-1] == []
    assert "zoo-loader" in seen[0], "it is seen while the run goes on"


def test_a_run_says_where_and_with_what_it_was_made(images):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", device="cpu"))
    environment = run.config["environment"]
    assert environment["zoo"] == zoo.__version__
    assert environment["torch"] == torch.__version__
    assert environment["device"] == "cpu"
    assert environment["ops"] == {
        op: {device: row["served_by"] for device, row in rows.items()} for op, rows in zoo.ops.status().items()
    }
    assert math.isfinite(environment["threads"])
    shutil.rmtree("run")
