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


@LAYOUTS
@pytest.mark.parametrize(
    ("channels", "outputs", "size"), [(32, 48, (5, 4)), (16, 16, (8, 8)), (3, 8, (4, 4)), (40, 17, (1, 6))]
)
def test_an_upsampling_convolution_is_upsampling_and_a_convolution(channels, outputs, size, layout):
    torch.manual_seed(0)
    layer = zoo_nn.UpsampleConv2d(channels, outputs, activation="leaky_relu", slope=0.2).to(memory_format=layout)
    convolution = nn.Conv2d(channels, outputs, 3, padding=1).double()
    convolution.load_state_dict(layer.state_dict())
    plain = nn.Sequential(nn.Upsample(scale_factor=2), convolution, nn.LeakyReLU(0.2))
    x = torch.randn(2, channels, *size).contiguous(memory_format=layout).requires_grad_()
    wide = x.detach().double().requires_grad_()
    y, expected = layer(x), plain(wide)
    assert y.is_contiguous(memory_format=layout)
    torch.testing.assert_close(y.double(), expected, rtol=1e-5, atol=1e-5)
    ours = torch.autograd.grad(y.square().sum(), [x, layer.weight, layer.bias], create_graph=True)
    theirs = torch.autograd.grad(expected.square().sum(), [wide, *convolution.parameters()], create_graph=True)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-3)
    (ours,) = torch.autograd.grad(ours[0].square().sum(), layer.weight)
    (theirs,) = torch.autograd.grad(theirs[0].square().sum(), convolution.weight)
    torch.testing.assert_close(ours.double() / theirs.abs().max(), theirs / theirs.abs().max(), rtol=0, atol=1e-5)


def test_an_upsampling_convolution_has_the_state_dict_of_a_convolution():
    assert [*zoo_nn.UpsampleConv2d(4, 6).state_dict()] == ["weight", "bias"]
    assert zoo_nn.UpsampleConv2d(4, 6, bias=False).weight.shape == (6, 4, 3, 3)
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        zoo_nn.UpsampleConv2d(4, 6, activation="rellu")


def test_layers_with_groups_are_those_of_torch():
    torch.manual_seed(0)
    for groups in (2, 8):
        layer = zoo_nn.Conv2dAct(16, 32, 3, padding=1, groups=groups, activation="relu")
        plain = nn.Conv2d(16, 32, 3, padding=1, groups=groups)
        plain.load_state_dict(layer.state_dict())
        x = torch.randn(2, 16, 6, 5)
        torch.testing.assert_close(layer(x), nn.functional.relu(plain(x)))
