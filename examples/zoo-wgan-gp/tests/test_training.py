"""Runs as zoo trains them: k critic steps, who gets gradients, what is logged, going on exactly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file
from zoo_wgan_gp import WGANGP

import zoo

TINY = dict(width=4, latent=4, batch_size=8, steps=3, samples=4, log_every=1, device="cpu")
ALGORITHM_1 = dict(TINY, preset="algorithm1")


class Begin(zoo.Callback):
    """Forgets what came before the first step: zoo goes through the phases once on copies, to see that they work."""

    def __init__(self, found):
        self.found = found

    def on_start(self, run, step, steps):
        self.found.clear()


@pytest.fixture
def turns(monkeypatch):
    """Both networks' weights as each phase of the next run finds them: a list of (role, G's, D's)."""
    found, networks = [], {}

    def kept(role, build):
        return lambda *given: networks.setdefault(role, build(*given))

    for role in ("generator", "discriminator"):
        monkeypatch.setattr(WGANGP, role, kept(role, getattr(WGANGP, role)))

    def watched(phase):
        def loss(context):
            weights = [[p.detach().flatten() for p in network.parameters()] for network in networks.values()]
            found.append((phase.updates, *map(torch.cat, weights)))
            return phase.loss(context) if phase.loss else context.default_loss()

        return replace(phase, loss=loss)

    original = WGANGP.phases
    monkeypatch.setattr(WGANGP, "phases", lambda self, options: [watched(phase) for phase in original(self, options)])
    return found


@pytest.mark.parametrize("reuse_fakes", [False, True])
def test_the_critic_learns_k_times_and_then_the_generator_once(turns, reuse_fakes):
    zoo.train("wgan-gp", out="run", callbacks=[Begin(turns)], **TINY, discriminator_steps=4, reuse_fakes=reuse_fakes)
    assert [role for role, _, _ in turns] == 3 * [*4 * ["discriminator"], "generator"]
    for (role, g, d), (_, next_g, next_d) in pairwise(turns):
        assert torch.equal(g, next_g) == (role == "discriminator"), "G changes in its own turn and in no other"
        assert torch.equal(d, next_d) == (role == "generator"), "and so does D"


def test_the_optimisers_count_as_many_updates():
    run = zoo.train("wgan-gp", out="run", **ALGORITHM_1)
    files = [file for file in run.latest()[1].glob("*.safetensors") if file.stem not in ("generator", "discriminator")]
    state = {name: value for file in files for name, value in load_file(file).items()}
    assert state["optimizer.discriminator.state.0.step"] == 15
    assert state["optimizer.generator.state.0.step"] == 3


@pytest.mark.parametrize("options", [{}, dict(accumulate=2), dict(joined=True), dict(one_sided=True)])
def test_the_loss_is_the_game_and_the_penalty_and_both_are_logged(options):
    run = zoo.train("wgan-gp", out="run", **{**ALGORITHM_1, "joined": False, **options})
    for line in run.metrics():
        assert line["wasserstein"] == pytest.approx(line["d_real"] - line["d_fake"], abs=1e-5)
        assert line["penalty"] >= 0
        assert line["slope"] > 0
        if "accumulate" not in options and "joined" not in options:
            assert line["d_loss"] == pytest.approx(line["penalty"] - line["wasserstein"], abs=1e-4)


def test_a_penalty_of_nothing_is_the_game_alone():
    line = zoo.train("wgan-gp", out="run", **ALGORITHM_1, penalty=0).metrics()[-1]
    assert line["penalty"] == 0
    assert line["d_loss"] == pytest.approx(-line["wasserstein"], abs=1e-5)


@pytest.mark.parametrize("preset", ["digits", "algorithm1"])
def test_a_run_that_was_stopped_goes_on_exactly(preset):
    options = {**TINY, "schedule": "constant"}  # one that does not depend on the total
    whole = zoo.train("wgan-gp", preset=preset, out="whole", **{**options, "steps": 4})
    parts = zoo.train("wgan-gp", preset=preset, out="parts", **{**options, "steps": 2})
    zoo.resume(parts.path, steps=4)
    ours, theirs = (
        {
            f"{file.stem}.{name}": value
            for file in run.latest()[1].glob("*.safetensors")
            for name, value in load_file(file).items()
        }
        for run in (whole, zoo.Run(parts.path))
    )
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_points_get_dense_networks_and_images_convolutions():
    points = zoo.train("wgan-gp", data="ring", out="points", **TINY)
    assert points.config["preset"] == "toy"
    assert zoo.load(points)(5).shape == (5, 1, 1, 2)
    images = zoo.train("wgan-gp", out="images", **TINY)
    assert images.config["preset"] == "digits"
    assert zoo.load(images)(5).shape == (5, 1, 28, 28)


@pytest.mark.parametrize("side", WGANGP().sizes(WGANGP.Options())[:8])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_fit_every_size(side, channels):
    options, data = WGANGP.Options(width=1, latent=4), zoo.DataSpec(channels, side, side)
    images = WGANGP().generator(options, data)(torch.randn(2, 4))
    assert images.shape == (2, channels, side, side)
    assert WGANGP().discriminator(options, data)(images).shape == (2, 1)
