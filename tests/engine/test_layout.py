"""Images lie channels last within networks that gain by it, and contiguous wherever a plugin's own code sees them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo
from zoo.engine import layout
from zoo.engine.layout import are_channels_last, enter, lay_out, leave
from zoo.ops.layout import as_channels_last, lies_channels_last


@pytest.fixture(autouse=True)
def _pays(monkeypatch):
    monkeypatch.setattr(layout, "native", lambda op, device: True)


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


@pytest.mark.parametrize("channels", [1, 3])
def test_convolutions_are_laid_channels_last_and_what_views_its_features_is_left(channels):
    networks = generator(channels), judging(channels)
    lay_out(*networks, torch.zeros(2, 8))
    assert all(map(are_channels_last, networks))
    networks = generator(channels), Flattened(channels)
    lay_out(*networks, torch.zeros(2, 8))
    assert not any(map(are_channels_last, networks))
    networks[1](networks[0](torch.randn(2, 8))).sum().backward()


def test_dense_networks_are_left_as_they_are():
    network = nn.Linear(8, 8)
    lay_out(network, network, torch.zeros(2, 8))
    assert not are_channels_last(network)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_contiguous_outside_and_so_are_their_gradients_of_any_order(channels):
    g, d = generator(channels), judging(channels)
    latents = torch.randn(2, 8)
    plain = d(g(latents)).detach()
    lay_out(g, d, latents)
    images = leave(g(latents))
    assert images.is_contiguous()
    given = images.detach().requires_grad_()
    logits = d(enter(given, d))
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
    lay_out(generator(3), d, torch.zeros(2, 8))
    images = torch.randn(2, 3, 8, 8)
    slopes = torch.func.grad(lambda given: d(enter(given, d)).sum())(images)
    given = images.requires_grad_()
    torch.testing.assert_close(slopes, torch.autograd.grad(d(given).sum(), given)[0])
