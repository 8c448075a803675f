"""Images of twice and of half the size, beside torch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo.nn as zoo_nn

LAYOUTS = pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
SHAPES = pytest.mark.parametrize("shape", [(2, 3, 6, 5), (3, 16, 4, 4), (1, 1, 1, 3), (2, 35, 7, 2)])


@LAYOUTS
@SHAPES
@pytest.mark.parametrize("name", ["nearest", "box", "bilinear"])
def test_upsampling_by_name_is_exactly_that_of_torch(name, shape, layout):
    x = torch.randn(shape).contiguous(memory_format=layout)
    y = zoo_nn.Upsample2d(name)(x)
    assert torch.equal(y, nn.Upsample(scale_factor=2, mode=name.replace("box", "nearest"))(x))
    assert y.is_contiguous(memory_format=layout)


@LAYOUTS
@SHAPES
def test_downsampling_by_name_is_that_of_torch(shape, layout):
    if min(shape[2:]) < 2:
        return
    x = torch.randn(shape).contiguous(memory_format=layout)
    whole = (8 * x).round()  # without rounding, every order of a sum is the same
    for name in ("box", "bilinear"):
        torch.testing.assert_close(zoo_nn.Downsample2d(name)(x), nn.AvgPool2d(2)(x))
        assert torch.equal(zoo_nn.Downsample2d(name)(whole), nn.AvgPool2d(2)(whole))
    even = x[:, :, : shape[2] // 2 * 2, : shape[3] // 2 * 2]
    theirs = nn.functional.interpolate(even, scale_factor=0.5, mode="bilinear", antialias=False)
    torch.testing.assert_close(zoo_nn.Downsample2d("bilinear")(x), theirs)
    nearest = zoo_nn.Downsample2d("nearest")(x)
    assert torch.equal(nearest, x[:, :, : shape[2] // 2 * 2 : 2, : shape[3] // 2 * 2 : 2])
    assert nearest.is_contiguous(memory_format=layout)


def test_a_filter_keeps_the_brightness_and_takes_the_pixels_that_it_says():
    x = torch.tensor([[[[1.0, 3.0, 7.0, 5.0]]]]).expand(1, 1, 4, 4)
    up = zoo_nn.Upsample2d((1, 2, 1))(x)[0, 0]
    assert up.shape == (8, 8)
    assert up[3].tolist() == [0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 6.0, 5.0]
    down = zoo_nn.Downsample2d((1, 2, 1))(x)[0, 0]
    assert down.shape == (2, 2)
    assert down[1].tolist() == [1.25, 5.5]
    ones = torch.ones(1, 2, 8, 8)
    for layer in (zoo_nn.Upsample2d, zoo_nn.Downsample2d):
        for taps in ((1, 2, 1), (1, 3, 3, 1), (1, 1), (1, 4, 6, 4, 1)):
            inside = (
                layer(taps)(ones)[:, :, 2:-2, 2:-2]
                if layer is zoo_nn.Upsample2d
                else layer(taps)(ones)[:, :, 1:-1, 1:-1]
            )
            torch.testing.assert_close(inside, torch.ones_like(inside))


def test_they_train_and_leave_nothing_in_the_state_dict():
    network = nn.Sequential(
        zoo_nn.Downsample2d(), nn.Conv2d(3, 3, 1), zoo_nn.Upsample2d("bilinear"), zoo_nn.Upsample2d()
    )
    assert [*network.state_dict()] == ["1.weight", "1.bias"]
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    (slope,) = torch.autograd.grad(network(x).square().sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert x.grad.abs().sum() > 0
    assert repr(zoo_nn.Upsample2d("nearest")) == "Upsample2d('nearest')"
    assert repr(zoo_nn.Downsample2d((1, 2, 1))) == "Downsample2d((1.0, 2.0, 1.0))"


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        ("nearst", "did you mean 'nearest'"),
        ((1,), "2 to 32 taps"),
        ((1, -1), "sum above 0"),
    ],
)
def test_bad_filters_are_refused_at_construction(filter, words):
    for layer in (zoo_nn.Upsample2d, zoo_nn.Downsample2d):
        with pytest.raises(ValueError, match=words):
            layer(filter)
