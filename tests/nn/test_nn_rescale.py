"""zoo.nn.Rescale."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import zoo.nn as zoo_nn


def test_the_ends_of_one_range_become_those_of_the_other():
    outwards, inwards = zoo_nn.Rescale((0, 1), (-1, 1)), zoo_nn.Rescale((-1, 1), (0, 1))
    assert outwards(torch.tensor([0.0, 0.25, 1.0])).tolist() == [-1.0, -0.5, 1.0]
    assert inwards(torch.tensor([-1.0, -0.5, 1.0])).tolist() == [0.0, 0.25, 1.0]
    assert zoo_nn.Rescale((2, 4), (10, 20))(torch.tensor([3.0, 5.0])).tolist() == [15.0, 25.0]


def test_it_keeps_shape_and_dtype_and_adds_nothing_to_the_state():
    network = nn.Sequential(zoo_nn.Rescale((0, 1), (-1, 1)))
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        y = network(torch.rand(2, 1, 3, 3).to(dtype))
        assert (y.shape, y.dtype) == ((2, 1, 3, 3), dtype)
    assert not network.state_dict()
    assert repr(network[0]) == "Rescale([0.0, 1.0] to [-1.0, 1.0])"


@pytest.mark.parametrize("ends", [(1, 0), (0, 0), (0, math.inf), (math.nan, 1), (0, 1, 2)])
def test_a_range_that_is_none_is_refused(ends):
    with pytest.raises(ValueError, match="the lower one first"):
        zoo_nn.Rescale(ends, (0, 1))
    with pytest.raises(ValueError, match="wanted is"):
        zoo_nn.Rescale((0, 1), ends)
