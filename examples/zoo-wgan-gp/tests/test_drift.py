"""The objective with the drift term: its formula, and that every architecture can play it by its name."""

from __future__ import annotations

import pytest
import torch
from zoo_wgan_gp.drift import WassersteinDrift

import zoo


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_the_losses_are_those_of_karras_and_others(scale):
    real, fake = torch.tensor([3.0, -1.0]), torch.tensor([2.0, 4.0])
    loss, statistics = WassersteinDrift(drift=0.1).discriminator_loss(real, fake, scale=scale)
    assert float(loss) == pytest.approx(scale * (3 - 1 + 0.1 * 5))
    assert statistics[:2].tolist() == [1.0, 3.0]
    loss, statistics = WassersteinDrift().generator_loss(fake, scale=scale)
    assert float(loss) == pytest.approx(-3 * scale)
    assert float(statistics[0]) == 3.0


def test_the_drift_is_a_thousandth_by_default():
    real, fake = torch.full((4,), 10.0), torch.zeros(4)
    assert float(WassersteinDrift().discriminator_loss(real, fake, scale=1.0)[0]) == pytest.approx(-10 + 0.1)


def test_gradients_are_those_of_the_formula():
    real = torch.tensor([3.0, -1.0], requires_grad=True)
    fake = torch.tensor([2.0, 4.0], requires_grad=True)
    WassersteinDrift(drift=0.1).discriminator_loss(real, fake, scale=1.0)[0].backward()
    torch.testing.assert_close(real.grad, torch.tensor([-0.5 + 0.1 * 3.0, -0.5 - 0.1 * 1.0]))
    torch.testing.assert_close(fake.grad, torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize("name", ["wgan-gp", "vanilla"])
def test_any_architecture_plays_it_by_its_name(name):
    options = dict(steps=1, batch_size=8, generator_batch_size=8, samples=4, latent=4)
    run = zoo.train(name, objective="wasserstein_drift", out="run", **options)
    assert run.config["options"]["objective"] == "wasserstein_drift"
