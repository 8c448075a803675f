"""What third parties' networks, phases and options may look like: the engine trains them, and resumes them exactly."""

from __future__ import annotations

import os

import pytest
import torch
from pydantic import Field
from torch import nn
from toy_step import build

import zoo
from zoo.architecture import Phase
from zoo.cli.arguments import parse_training
from zoo.engine.runtime import device
from zoo.engine.runtime.device import choose_device, determinism
from zoo.errors import PluginError
from zoo.plugins.plugin import Plugin
from zoo.plugins.registry import ARCHITECTURE, registry
from zoo.plugins.validation import check_architecture


class Odd(zoo.Architecture):
    """Frozen, unused and tied parameters, and convolutions that lie channels last."""

    name = "odd"

    def generator(self, options, data):
        network = nn.Sequential(nn.Linear(options.latent, 4), nn.Linear(4, data.numel), nn.Unflatten(1, data.shape))
        network[0].weight.requires_grad_(False)
        network.register_parameter("unused", nn.Parameter(torch.zeros(3)))
        return network

    def discriminator(self, options, data):
        first = nn.Conv2d(data.channels, 4, 3, padding=1)
        network = nn.Sequential(
            first, nn.LeakyReLU(0.2), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Flatten(),
            nn.Linear(4 * data.height * data.width, 1),
        )  # fmt: skip
        network[3].weight = network[2].weight
        return network.to(memory_format=torch.channels_last)


@pytest.fixture
def odd(monkeypatch):
    plugin = Plugin("odd", "odd", "1", "odd")
    monkeypatch.setitem(registry()._found[ARCHITECTURE], "odd", [registry().contributed(ARCHITECTURE, Odd, plugin)])
    return dict(data=None, latent=3, batch_size=4, log_every=1, sample_every=100, learning_rate=0.01)


def test_frozen_unused_tied_and_channels_last_parameters_resume_exactly(odd, images):
    odd["data"] = str(images)
    whole = zoo.train("odd", out="whole", steps=8, checkpoint_every=8, **odd)
    zoo.train("odd", out="parts", steps=4, checkpoint_every=4, **odd)
    parts = zoo.resume("parts", steps=8)

    def numbers(run):
        return [{key: line[key] for key in ("step", "d_loss", "g_loss", "d_real", "d_fake")} for line in run.metrics()]

    assert numbers(parts) == numbers(whole)
    assert torch.equal(zoo.load(parts)(4, seed=1), zoo.load(whole)(4, seed=1))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_weight_that_both_networks_are_to_learn_is_refused_and_a_frozen_one_is_not(odd, images, monkeypatch, frozen):
    shared = nn.Parameter(torch.ones(3), requires_grad=not frozen)

    def with_it(build):
        def built(*given):
            network = build(*given)
            network.register_parameter("scale", shared)
            return network

        return built

    monkeypatch.setattr(Odd, "generator", with_it(Odd.generator))
    monkeypatch.setattr(Odd, "discriminator", with_it(Odd.discriminator))
    odd["data"] = str(images)
    if frozen:
        zoo.train("odd", out="run", steps=1, **odd)
    else:
        with pytest.raises(PluginError, match="share the parameter 'scale'"):
            zoo.train("odd", out="run", steps=1, **odd)


def test_a_step_in_which_nothing_is_due_changes_nothing():
    step = build([Phase("discriminator", every=2), Phase("generator", every=2)])
    before = [parameter.clone() for parameter in step.generator.parameters()]
    found = step.run(0)
    moved = [parameter.clone() for parameter in step.generator.parameters()]
    assert any(not torch.equal(a, b) for a, b in zip(before, moved, strict=True))
    assert step.run(1).keys() == found.keys()
    assert all(torch.equal(a, b) for a, b in zip(moved, step.generator.parameters(), strict=True))


def test_what_networks_that_take_turns_tell_is_logged_together():
    step = build([Phase("discriminator", every=2), Phase("generator", every=2, offset=1)])
    step.run(0)
    assert {"d_loss", "g_loss", "d_real", "d_fake"} <= step.run(1).keys()


@pytest.mark.parametrize("offset", [0, 1])
def test_r1_counts_the_turns_of_d_not_the_steps(offset):
    step = build([Phase("discriminator", every=2, offset=offset), Phase("generator")], r1=1.0, r1_every=2)
    penalised = []
    for number in range(8):
        step.latest.pop("r1", None)
        if "r1" in step.run(number):
            penalised.append(number)
    assert penalised == [offset, 4 + offset]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(updates="discriminater"), "did you mean 'discriminator'"),
        (dict(updates="generator", every=0), "every is 1 or more"),
        (dict(updates="generator", every=2, offset=2), "offset 0 to every - 1"),
    ],
)
def test_a_phase_that_could_never_run_is_refused(arguments, said):
    with pytest.raises(PluginError, match=said):
        Phase(**arguments)


def test_options_may_be_lists(images):
    class Listed(Odd):
        class Options(zoo.Options):
            widths: list[int] = Field([1, 2], description="Widths.")

    given = parse_training(Listed(), ["--widths", "3", "4"], Listed.Options(), {})
    assert given["widths"] == [3, 4]
    assert parse_training(Listed(), [], Listed.Options(), {})["widths"] == [1, 2]


def test_an_option_cannot_take_the_name_of_one_of_the_commands_own():
    class Clash(Odd):
        class Options(zoo.Options):
            out: int = 1

    with pytest.raises(PluginError, match="'out', which zoo train or zoo check uses itself"):
        check_architecture(Clash)


def test_deterministic_is_asked_of_torch_and_taken_back():
    def asked():
        return torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark

    before = asked()
    with determinism(False):
        assert asked() == (False, True), "cuDNN tries which algorithms are the fastest"
    with determinism(True):
        assert asked() == (True, False)
    assert asked() == before


def test_cublas_is_told_before_any_run_that_a_later_one_may_be_deterministic(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that what is set below is undone
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    choose_device("cpu")
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ or torch.cuda.is_available()
    monkeypatch.setattr(device, "available_devices", lambda: ["cuda:0", "cpu"])
    assert choose_device("auto") == torch.device("cuda:0")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_run_that_cannot_begin_leaves_a_folder_that_was_there(odd, images, tmp_path, monkeypatch):
    odd["data"] = str(images)
    place = tmp_path / "mine"
    place.mkdir()
    monkeypatch.setattr("zoo.engine.train.asked_callbacks", lambda *_: (_ for _ in ()).throw(PluginError("no")))
    with pytest.raises(PluginError):
        zoo.train("odd", out=place, steps=1, **odd)
    assert not place.exists() or not any(place.iterdir())
    assert zoo.Run.check_place(place) is None


@pytest.mark.parametrize(("size", "preset"), [(16, "mnist"), (64, "small")])
def test_dcgan_takes_the_preset_of_the_images_size(images, size, preset):
    small = dict(steps=1, width=1, batch_size=2, samples=1, device="cpu")
    run = zoo.train("dcgan", data=str(images), size=size, out="run", **small)
    assert run.config["preset"] == preset
