"""Evaluation mode, and the way back from it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.generate.ranking import logits_of
from zoo.generate.sampling import draw_images
from zoo.nn.modes import evaluating


def modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


@pytest.fixture
def network() -> nn.Module:
    """Learning, but for one part that is frozen."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4).eval(), nn.Dropout())


def test_every_module_evaluates_and_comes_back_as_it_was(network):
    with evaluating(network):
        assert modes(network) == [False] * 4
    assert modes(network) == [True, True, False, True]


def test_it_comes_back_after_an_error_too(network):
    with pytest.raises(ZeroDivisionError), evaluating(network):
        raise ZeroDivisionError
    assert modes(network) == [True, True, False, True]


def test_no_network_is_nothing_to_do():
    with evaluating(None):
        pass


@pytest.mark.parametrize("draw", [draw_images, lambda network, latents: logits_of(network, nn.Linear(4, 1), latents)])
def test_drawing_leaves_a_frozen_part_frozen(network, draw):
    draw(network, torch.zeros(2, 3))
    assert modes(network) == [True, True, False, True]
