"""The standard deviation over groups of a batch, against the formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo.nn
from zoo.engine.trial import Trial
from zoo.nn.groups import in_groups


def by_hand(x: torch.Tensor, groups: list[list[int]], channels: int = 1) -> torch.Tensor:
    """√(biased variance + 1e-8) of each feature over the images of a group, averaged: a number for each image and channel."""
    found = torch.zeros(len(x), channels, dtype=x.dtype)
    for group in groups:
        deviation = (x[group].var(0, unbiased=False) + 1e-8).sqrt()
        found[group] = torch.stack([part.mean() for part in deviation.chunk(channels)])
    return found


@pytest.mark.parametrize(
    ("count", "group_size", "groups"),
    [
        (8, 4, [[0, 2, 4, 6], [1, 3, 5, 7]]),
        (4, 4, [[0, 1, 2, 3]]),
        (6, 1, [[0], [1], [2], [3], [4], [5]]),
        (3, 4, [[0, 1, 2]]),
        (1, 4, [[0]]),
        (7, 4, [[0, 1, 2, 3, 4, 5, 6]]),
        (9, 4, [[0, 2, 4, 6, 8], [1, 3, 5, 7]]),
        (11, 3, [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value),
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_group_gets_the_mean_deviation_of_its_images(count, group_size, groups, channels):
    torch.manual_seed(0)
    x = torch.randn(count, 6, 2, 3, dtype=torch.float64)
    y = zoo.nn.MinibatchStdDev(group_size, channels)(x)
    assert y.shape == (count, 6 + channels, 2, 3)
    assert torch.equal(y[:, :6], x)
    expected = by_hand(x, groups, channels)[:, :, None, None].expand(-1, -1, 2, 3)
    torch.testing.assert_close(y[:, 6:], expected)
    rows = zoo.nn.MinibatchStdDev(group_size, channels)(x[:, :, 0, 0])
    torch.testing.assert_close(rows[:, 6:], by_hand(x[:, :, 0, 0], groups, channels))


@pytest.mark.parametrize("count", [4, 5])
def test_it_can_be_differentiated_twice(count):
    torch.manual_seed(0)
    x = torch.randn(count, 2, 2, 1, dtype=torch.float64, requires_grad=True)
    layer = zoo.nn.MinibatchStdDev(2)
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(layer, (x,))


def test_images_that_are_alike_have_finite_gradients():
    x = torch.ones(4, 2, 2, 2, requires_grad=True)
    zoo.nn.MinibatchStdDev()(x)[:, 2].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_both_halves_of_a_joined_pass_keep_to_themselves():
    """What real images give is the same to the bit, whatever the fakes are: no group holds both."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), zoo.nn.MinibatchStdDev(2), nn.Flatten(), nn.Linear(20, 1))
    real, fake, other = torch.randn(3, 6, 3, 2, 2)
    with in_groups(network, 2):
        both, changed = network(torch.cat([real, fake])), network(torch.cat([real, other]))
    torch.testing.assert_close(both, torch.cat([network(real), network(fake)]))
    assert torch.equal(both[:6], changed[:6])
    assert not torch.equal(network(torch.cat([real, fake]))[:6], both[:6]), "as one batch they mix"
    layer = zoo.nn.MinibatchStdDev(2)
    assert torch.equal(layer(torch.cat([real, fake]), groups=2), torch.cat([layer(real), layer(fake)]))


@pytest.mark.parametrize("count", [4, 7])
def test_a_dense_discriminator_with_it_may_see_both_halves_at_once(count):
    network = nn.Sequential(nn.Flatten(), nn.Linear(8, 6), zoo.nn.MinibatchStdDev(), nn.Linear(7, 1))
    generator = nn.utils.skip_init(nn.Linear, 1, 1)
    trial = Trial(zoo.Architecture(), zoo.Options(batch_size=count), zoo.DataSpec(1, 2, 4), generator, network)
    assert trial.try_joint_pass()


def test_evaluation_is_as_training_and_nothing_is_kept():
    layer, x = zoo.nn.MinibatchStdDev(), torch.randn(4, 2)
    assert torch.equal(layer(x), layer.eval()(x))
    assert layer.state_dict() == {}
    assert repr(layer) == "MinibatchStdDev(group_size=4, channels=1)"


@pytest.mark.parametrize(
    ("arguments", "shape", "groups", "words"),
    [
        (dict(group_size=0), None, None, "group_size is 0"),
        (dict(channels=1.0), None, None, "channels is 1.0"),
        (dict(channels=2), (4, 3), None, "3 channels.*no multiple of the 2"),
        ({}, (4, 3, 2), None, r"\(4, 3, 2\)"),
        ({}, (5, 3), 2, "5 cannot be split into 2"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, shape, groups, words):
    with pytest.raises(ValueError, match=words):
        zoo.nn.MinibatchStdDev(**arguments)(torch.zeros(shape), groups)
