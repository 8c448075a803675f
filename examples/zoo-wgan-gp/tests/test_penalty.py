"""The gradient penalty and its gradient, through zoo's fused ops, against float64 arithmetic of plain torch layers."""

from __future__ import annotations

import copy
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from zoo_wgan_gp import WGANGP
from zoo_wgan_gp.penalty import between, excess, slopes_of

import zoo

IMAGES = zoo.DataSpec(1, 28, 28)


def plain(layer: nn.Module) -> nn.Module:
    """The same network of torch's own layers only, in float64, with the same weights."""
    if isinstance(layer, nn.Sequential):
        return nn.Sequential(*map(plain, layer))
    if not isinstance(layer, (zoo.nn.Conv2dAct, zoo.nn.LinearAct)):
        return copy.deepcopy(layer).double()
    if isinstance(layer, zoo.nn.Conv2dAct):
        linear: nn.Module = nn.Conv2d(layer.in_channels, layer.out_channels, 4, 2, 1)
    else:
        linear = nn.Linear(layer.in_features, layer.out_features)
    linear.load_state_dict(layer.state_dict())
    activation = {"relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(layer.slope)}[layer.activation]
    return nn.Sequential(linear.double(), activation)


def penalty_and_gradients(critic, images, one_sided):
    """The mean of the squared excess, and its gradient for each parameter of the critic."""
    penalty = excess(slopes_of(critic, images), one_sided).square().mean()
    return penalty, torch.autograd.grad(penalty, list(critic.parameters()), materialize_grads=True)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("serving", [nullcontext, zoo.ops.references], ids=["native", "reference"])
@pytest.mark.parametrize(
    "options", [dict(width=8), dict(width=8, critic_norm="none"), dict(width=32, networks="dense")]
)
def test_penalty_and_its_gradient_equal_those_of_plain_layers_in_float64(options, serving, one_sided):
    torch.manual_seed(0)
    critic = WGANGP().discriminator(WGANGP.Options(**options), IMAGES)
    for parameter in critic.parameters():
        parameter.data *= 3  # some slopes are above 1 and some below
    images = between(torch.rand(32, *IMAGES.shape) * 2 - 1, torch.rand(32, *IMAGES.shape) * 2 - 1)
    exact = plain(critic)
    wanted, gradients = penalty_and_gradients(exact, images.detach().double().requires_grad_(), one_sided)
    with serving():  # where no native core is built, both are the references
        found, ours = penalty_and_gradients(critic, images, one_sided)

    assert wanted > 0.01
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-6)
    for (name, _), mine, right in zip(critic.named_parameters(), ours, gradients, strict=True):
        assert (mine.double() - right).norm() <= 1e-3 * right.norm().clamp(min=1e-3), name


def test_slopes_of_a_linear_critic_are_the_length_of_its_weights():
    weights = torch.tensor([3.0, 4.0])
    slopes = slopes_of(lambda points: points.flatten(1) @ weights, torch.zeros(6, 1, 1, 2, requires_grad=True))
    torch.testing.assert_close(slopes, torch.full((6,), 5.0))


def test_points_lie_between_real_and_generated_ones_each_at_a_place_of_its_own():
    real, fake = torch.full((200, 1, 2, 2), 1.0), torch.full((200, 1, 2, 2), -1.0)
    points = between(real, fake)
    assert points.requires_grad
    assert points.is_leaf
    assert torch.equal(points.amin((1, 2, 3)), points.amax((1, 2, 3))), "one share for all pixels of an image"
    places = points.detach()[:, 0, 0, 0]
    assert places.unique().numel() > 150
    assert -1 <= places.min() < -0.9
    assert 0.9 < places.max() <= 1


@pytest.mark.parametrize(("one_sided", "wanted"), [(False, [-0.75, 0.0, 2.0]), (True, [0.0, 0.0, 2.0])])
def test_one_sided_counts_only_slopes_above_one(one_sided, wanted):
    assert excess(torch.tensor([0.25, 1.0, 3.0]), one_sided).tolist() == wanted


def test_the_critic_judges_each_image_by_itself():
    """The reason for layer normalisation: the penalty is on the slope at each image, whatever else is in the batch."""
    critic = WGANGP().discriminator(WGANGP.Options(width=4), IMAGES)
    images = torch.rand(8, *IMAGES.shape) * 2 - 1
    alone = torch.cat([critic(image[None]) for image in images])
    torch.testing.assert_close(critic(images), alone, rtol=1e-4, atol=1e-5)
