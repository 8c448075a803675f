"""Images lie channels last within networks that gain by it, and contiguous wherever a plugin's own code sees them."""

from __future__ import annotations

import pytest
import torch
from support import Notes
from torch import nn

import zoo
from zoo.engine import trial
from zoo.engine.layout import lay_channels_last, to_channels_last, to_contiguous
from zoo.engine.train import train
from zoo.engine.trial import Trial
from zoo.ops.layout import as_channels_last, lies_channels_last
from zoo.plugins.plugin import Plugin
from zoo.plugins.registry import ARCHITECTURE, registry


@pytest.fixture(autouse=True)
def _pays(monkeypatch):
    monkeypatch.setattr(trial, "native", lambda op, device: True)


class Flattened(nn.Module):
    """A discriminator that looks at its features through view."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = zoo.nn.Conv2dAct(channels, 16, 4, 2, 1, activation="leaky_relu", slope=0.2)
        self.judge = nn.Linear(16 * 16, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.judge(self.features(images).view(len(images), -1))


def generator(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (8, 1, 1)),
        zoo.nn.ConvTranspose2dAct(8, 16, 4, activation="relu"),
        zoo.nn.ConvTranspose2dAct(16, channels, 4, 2, 1, activation="tanh"),
    )


def judging(channels: int) -> nn.Module:
    return nn.Sequential(zoo.nn.Conv2dAct(channels, 16, 4, 2, 1), nn.Flatten(), nn.Linear(16 * 16, 1))


class Slope(torch.autograd.Function):
    """Looks at the gradient through view, which no pass forward tells of."""

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x * 1

    @staticmethod
    def backward(ctx, gradient):
        return gradient.view(-1).view(ctx.shape)


class WhileTraining(Flattened):
    def forward(self, images):
        return super().forward(images) if self.training else self.judge(self.features(images).flatten(1))


class Backwards(Flattened):
    def __init__(self, channels):
        super().__init__(channels)
        self.more = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, images):
        return self.judge(self.more(Slope.apply(self.features(images))).flatten(1))


class Asserting(Flattened):
    def forward(self, images):
        features = self.features(images)
        assert features.is_contiguous(), "planes are wanted"
        return self.judge(features.flatten(1))


def channels_last(g: nn.Module, d: nn.Module) -> bool:
    """Whether a trial finds that both can lie channels last."""
    spec = zoo.DataSpec(1, 8, 8)
    return Trial(Old(), zoo.Options(latent=8), spec, g, d).try_channels_last()


def laid(*networks: nn.Module) -> list[bool]:
    return [
        all(lies_channels_last(p) for p in network.parameters() if p.dim() == 4 and p.shape[1] > 1)
        for network in networks
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_convolutions_are_laid_channels_last(channels):
    networks = generator(channels), judging(channels)
    state = torch.random.get_rng_state()
    assert channels_last(*networks)
    lay_channels_last(*networks)
    assert laid(*networks) == [True, True]
    assert torch.equal(state, torch.random.get_rng_state()), "nobody else's numbers change"


@pytest.mark.parametrize("kind", [Flattened, WhileTraining, Backwards, Asserting])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_that_cannot_do_with_it_are_left_as_they_are_and_it_is_said_why(kind, channels, caplog):
    networks = generator(channels), kind(channels)
    with caplog.at_level("INFO", "zoo"):
        assert not channels_last(*networks)
    assert "view" in caplog.text or "planes are wanted" in caplog.text
    assert not any(lies_channels_last(p) for network in networks for p in network.parameters() if p.dim() == 4)
    networks[1](to_contiguous(networks[0](torch.randn(2, 8)))).sum().backward()


class Old(zoo.Architecture):
    """Convolutions whose features are looked at through view."""

    name = "old"

    def generator(self, options, data):
        return generator(data.channels)

    def discriminator(self, options, data):
        return Flattened(data.channels)


def test_a_run_says_that_it_keeps_its_layout_and_trains(monkeypatch, images):
    plugin = Plugin("old", "old", "1", "old")
    monkeypatch.setitem(registry()._found[ARCHITECTURE], "old", [registry().contributed(ARCHITECTURE, Old, plugin)])
    lines = []
    train("old", data=str(images), out="run", steps=2, batch_size=4, latent=8, device="cpu", callbacks=[Notes(lines)])
    assert any("old cannot lie channels last" in line and "view" in line for line in lines)


def test_dense_networks_are_left_as_they_are():
    network = nn.Linear(8, 8)
    assert not channels_last(network, network)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_contiguous_outside_and_so_are_their_gradients_of_any_order(channels):
    g, d = generator(channels), judging(channels)
    latents = torch.randn(2, 8)
    plain = d(g(latents)).detach()
    lay_channels_last(g, d)
    images = to_contiguous(g(latents))
    assert images.is_contiguous()
    given = images.detach().requires_grad_()
    logits = d(to_channels_last(given))
    torch.testing.assert_close(logits.detach(), plain)
    (slope,) = torch.autograd.grad(logits.sum(), given, create_graph=True)
    slope.view(2, -1).square().sum().backward()
    assert all(weight.grad is not None for weight in d.parameters() if weight.dim() > 1)
    images.view(2, -1).sum().backward()


def test_an_image_that_lies_both_ways_is_told_by_its_strides():
    image = torch.randn(2, 1, 4, 4)
    assert not lies_channels_last(image)
    last = as_channels_last(image)
    assert lies_channels_last(last)
    assert torch.equal(last, image)
    for like, told in ((image, False), (last, True)):
        assert lies_channels_last(zoo.ops.bias_act(like, torch.zeros(1), "relu")) is told
        with zoo.ops.references():
            assert lies_channels_last(torch.ops.zoo.bias_act_forward(like, None, 1, 0.0)) is told


def test_entering_works_under_torch_func():
    d = judging(3)
    lay_channels_last(d)
    images = torch.randn(2, 3, 8, 8)
    slopes = torch.func.grad(lambda given: d(to_channels_last(given)).sum())(images)
    given = images.requires_grad_()
    torch.testing.assert_close(slopes, torch.autograd.grad(d(given).sum(), given)[0])
