"""Which images a network is built for, where it computes, and training from other threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from support import Notes, tiny, write_images
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.engine.geometry import USUAL, choose_spec, describe_sizes
from zoo.engine.runtime.device import available_devices, choose_device
from zoo.engine.trial import Trial
from zoo.errors import DataError, OptionError
from zoo.system.streams import stream_seed


class Source:
    """Data of any shape."""

    title = "some data"
    why_unlabelled = ""

    def __init__(self, height=None, width=None, channels=1, classes=0, points=False):
        self.height, self.width, self.channels, self.classes = height, width, channels, classes
        self.points = points


class Any(zoo.Architecture):
    """Takes every size."""

    name = "any"


class Powers(zoo.Architecture):
    """Takes a few."""

    name = "powers"

    def sizes(self, options):
        return (16, 32, 64)


class Eights(zoo.Architecture):
    """Takes many."""

    name = "eights"

    def sizes(self, options):
        return range(8, 257, 8)


class Large(zoo.Architecture):
    """Takes none that is as small as the usual one."""

    name = "large"

    def sizes(self, options):
        return (128, 256)


class Labelled(Any):
    """Wants labels."""

    conditional = True


@pytest.mark.parametrize(
    ("architecture", "options", "source", "spec"),
    [
        (Any, {}, Source(28, 28), (1, 28, 28, 0)),
        (Any, {}, Source(20, 30), (1, 20, 30, 0)),
        (Any, {}, Source(), (1, USUAL, USUAL, 0)),
        (Any, dict(size=12), Source(20, 30), (1, 12, 12, 0)),
        (Any, dict(channels=3), Source(28, 28), (3, 28, 28, 0)),
        (Any, dict(channels=1), Source(28, 28, 3, 10), (1, 28, 28, 10)),
        (Powers, {}, Source(32, 32), (1, 32, 32, 0)),
        (Powers, {}, Source(28, 28), (1, 32, 32, 0)),
        (Powers, {}, Source(40, 300), (1, 32, 32, 0)),
        (Powers, {}, Source(32, 64), (1, 32, 32, 0)),
        (Powers, {}, Source(500, 500), (1, 64, 64, 0)),
        (Eights, {}, Source(64, 64), (1, 64, 64, 0)),
        (Eights, {}, Source(96, 96), (1, USUAL, USUAL, 0)),
        (Eights, {}, Source(218, 178), (1, USUAL, USUAL, 0)),
        (Eights, {}, Source(60, 178), (1, 56, 56, 0)),
        (Eights, dict(size=96), Source(218, 178), (1, 96, 96, 0)),
        (Large, {}, Source(512, 512), (1, 128, 128, 0)),
        (Any, {}, Source(218, 178), (1, USUAL, USUAL, 0)),
        (Powers, {}, Source(), (1, 64, 64, 0)),
        (Powers, dict(size=16), Source(28, 28), (1, 16, 16, 0)),
        (Labelled, {}, Source(28, 28, 1, 2), (1, 28, 28, 2)),
    ],
)
def test_the_datas_own_size_is_kept_where_the_networks_take_it_else_the_nearest_to_it_or_to_the_usual(
    architecture, options, source, spec
):
    assert choose_spec(architecture(), zoo.Options(**options), source) == zoo.DataSpec(*spec)


def test_a_size_that_is_asked_for_and_does_not_fit_is_refused():
    with pytest.raises(OptionError, match="--size 28: powers works for the sizes 16, 32, 64"):
        choose_spec(Powers(), zoo.Options(size=28), Source(28, 28))


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (range(8, 257), "every size from 8 to 256"),
        (range(12, 257, 4), "every multiple of 4 from 12 to 256"),
        (range(9, 31, 10), "the sizes 9, 19, 29"),
        ([64, 32], "the sizes 32, 64"),
    ],
)
def test_sizes_are_described_in_words(sizes, words):
    assert describe_sizes(sizes) == words


@pytest.mark.parametrize("coordinates", [1, 2])
def test_points_are_taken_as_they_are(coordinates):
    source = Source(1, coordinates, points=True)
    assert choose_spec(Any(), zoo.Options(), source) == zoo.DataSpec(1, 1, coordinates, points=True)


def test_an_architecture_that_needs_images_refuses_points():
    with pytest.raises(
        DataError, match=r"powers works on images, of the sizes 16, 32, 64; .*zoo train vanilla --data ring"
    ):
        choose_spec(Powers(), zoo.Options(data="ring"), Source(1, 2, points=True))


@pytest.mark.parametrize("options", [dict(size=28), dict(channels=3), dict(flip=True), dict(fit="stretch")])
def test_what_is_done_to_images_cannot_be_done_to_points(options):
    with pytest.raises(OptionError, match=f"--{next(iter(options))} is for images"):
        choose_spec(Any(), zoo.Options(**options), Source(1, 2, points=True))


@pytest.mark.parametrize("classes", [0, 1])
def test_a_conditional_architecture_wants_two_classes_at_least(classes):
    with pytest.raises(DataError, match="any learns from labelled images, and some data has no labels"):
        choose_spec(Labelled(), zoo.Options(), Source(28, 28, 1, classes))


def test_points_without_classes_are_not_for_a_conditional_architecture():
    message = (
        r"any learns from labelled data, and some data is points without classes; .*: zoo train vanilla --data ring$"
    )
    with pytest.raises(DataError, match=message):
        choose_spec(Labelled(), zoo.Options(data="ring"), Source(1, 2, points=True))


def test_images_that_are_no_squares_are_trained_on_as_they_are(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (24, 6, 10), np.uint8)
    np.save(tmp_path / "wide.npy", images)
    run = zoo.train("vanilla", data=str(tmp_path / "wide.npy"), out="run", **tiny("vanilla", steps=1))
    assert zoo.load(run)(2).shape == (2, 1, 6, 10)


def test_grey_and_colour_are_what_the_options_say(tmp_path):
    data = write_images(tmp_path / "colour.npz", channels=3)
    said = []
    run = zoo.train("dcgan", data=str(data), out="run", callbacks=[Notes(said)], **tiny("dcgan", steps=1, channels=1))
    assert zoo.load(run)(1).shape == (1, 1, 8, 8)
    assert "colour images are turned to grey" in said


# ---- building


class Jitter(nn.Module):
    """Adds noise whenever it is called, in evaluation too."""

    def forward(self, x):
        return x + 0.1 * torch.randn_like(x)


class Noisy(zoo.Architecture):
    """Networks that would leave traces: batch statistics, random numbers."""

    name = "noisy"

    def generator(self, options, data):
        return nn.Sequential(
            nn.Linear(options.latent, data.numel), zoo.nn.BatchNormAct(data.numel), Jitter(),
            nn.Unflatten(1, data.shape),
        )  # fmt: skip

    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), Jitter(), zoo.nn.BatchNormAct(data.numel), nn.Linear(data.numel, 1))


def test_building_and_trying_the_networks_leaves_no_trace():
    spec, options = zoo.DataSpec(1, 4, 4), zoo.Options(latent=3)
    torch.manual_seed(stream_seed(0, "weights"))
    plain = Noisy().generator(options, spec), Noisy().discriminator(options, spec)
    after = torch.get_rng_state()
    tried = build_networks(Noisy(), options, spec)
    Trial(Noisy(), options, spec, *tried).run()
    assert torch.equal(torch.get_rng_state(), after)
    for ours, theirs in zip(tried, plain, strict=True):
        assert ours.training
        assert all(parameter.grad is None and parameter.requires_grad for parameter in ours.parameters())
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


# ---- devices


def test_the_cpu_is_always_there_and_auto_takes_the_best():
    assert available_devices()[-1] == "cpu"
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto") == torch.device(available_devices()[0])


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert available_devices()[:2] == ["cuda:0", "cuda:1"]
    assert choose_device("auto") == torch.device("cuda:0")
    assert choose_device("cuda").type == "cuda"
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(OptionError, match=r"--device cuda:2: .*devices here: cuda:0, cuda:1"):
        choose_device("cuda:2")


# ---- threads


def test_training_works_outside_of_the_main_thread(images):
    """Python takes no signals there."""
    done = []
    options = tiny("dcgan", steps=2)
    thread = threading.Thread(target=lambda: done.append(zoo.train("dcgan", data=str(images), out="run", **options)))
    thread.start()
    thread.join()
    assert done[0].latest()[0] == 2
