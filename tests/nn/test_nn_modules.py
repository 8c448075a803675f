"""zoo.nn against the plain torch modules that it stands for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo.nn as zoo_nn


@pytest.mark.parametrize("shape", [(8, 5), (4, 5, 3, 3)], ids=["rows", "images"])
def test_batch_norm_act_exchanges_state_dicts_with_torch_both_ways(shape):
    torch.manual_seed(0)
    ours = zoo_nn.BatchNormAct(5, activation="leaky_relu", slope=0.2)
    theirs = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(5)
    nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    for _ in range(3):
        x = torch.randn(shape)
        torch.testing.assert_close(ours(x), nn.functional.leaky_relu(theirs(x), 0.2))
    ours.load_state_dict(theirs.state_dict())
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    assert int(ours.num_batches_tracked) == 3
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x), nn.functional.leaky_relu(theirs(x), 0.2))


def test_groups_equal_separate_passes():
    torch.manual_seed(0)
    together, apart = zoo_nn.BatchNormAct(3, "relu"), zoo_nn.BatchNormAct(3, "relu")
    x = torch.randn(8, 3, 4, 4)
    torch.testing.assert_close(together(x, groups=2), torch.cat([apart(x[:4]), apart(x[4:])]))
    for name, value in together.state_dict().items():
        torch.testing.assert_close(value, apart.state_dict()[name])


def test_without_running_statistics_evaluation_uses_the_batch():
    norm = zoo_nn.BatchNormAct(3, affine=False, track_running_stats=False).eval()
    assert [*norm.state_dict()] == []
    x = torch.randn(8, 3)
    torch.testing.assert_close(norm(x), nn.BatchNorm1d(3, affine=False, track_running_stats=False).eval()(x))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_biased_running_variance_is_the_mean_square_of_each_batch(groups):
    torch.manual_seed(0)
    norm = zoo_nn.BatchNormAct(3, "relu", momentum=0.2, unbiased=False).double()
    mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for _ in range(3):
        x = 2 + torch.randn(4, 3, 2, 1, dtype=torch.float64)
        norm(x, groups)
        for part in x.chunk(groups):
            found = part.mean((0, 2, 3))
            mean = 0.8 * mean + 0.2 * found
            var = 0.8 * var + 0.2 * (part - found[:, None, None]).square().mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, var)
    kept = norm.running_var.clone()
    twice = norm(x).sum() + norm(x).sum()
    twice.backward()
    assert norm.weight.grad is not None, "two passes, then their gradients"
    norm.running_var.copy_(kept)
    norm.eval()(x)
    assert torch.equal(norm.running_var, kept)
    assert "unbiased=False" in repr(norm)
    bare = zoo_nn.BatchNormAct(3, track_running_stats=False, unbiased=False)
    assert bare(torch.randn(4, 3)).shape == (4, 3)


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (lambda **k: zoo_nn.LinearAct(4, 6, **k), lambda **k: nn.Linear(4, 6, **k), (5, 4)),
        (lambda **k: zoo_nn.Conv2dAct(4, 6, 3, 2, 1, **k), lambda **k: nn.Conv2d(4, 6, 3, 2, 1, **k), (2, 4, 8, 8)),
        (
            lambda **k: zoo_nn.ConvTranspose2dAct(4, 6, 4, 2, 1, **k),
            lambda **k: nn.ConvTranspose2d(4, 6, 4, 2, 1, **k),
            (2, 4, 5, 5),
        ),
    ],
    ids=["linear", "convolution", "transposed convolution"],
)
@pytest.mark.parametrize("bias", [True, False])
def test_layers_are_the_plain_layer_followed_by_its_activation(ours, theirs, shape, bias):
    layer, plain = ours(bias=bias, activation="leaky_relu", slope=0.3), theirs(bias=bias)
    plain.load_state_dict(layer.state_dict())
    layer.load_state_dict(plain.state_dict())
    x = torch.randn(shape)
    torch.testing.assert_close(layer(x), nn.functional.leaky_relu(plain(x), 0.3))
    assert "activation='leaky_relu', slope=0.3" in repr(layer)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"channels": 2.0}, "channels is 2.0"),
        ({"activation": "leakyrelu"}, "did you mean 'leaky_relu'"),
        ({"slope": -1.0}, "slope is -1.0"),
        ({"order": "norm-act"}, "'norm_act'"),
        ({"momentum": 2.0}, "momentum is 2.0"),
        ({"eps": 0.0}, "eps is 0.0"),
        ({"dtype": torch.int32}, "int32"),
    ],
)
def test_bad_arguments_are_refused_at_construction(arguments, words):
    with pytest.raises(ValueError, match=words):
        zoo_nn.BatchNormAct(**({"channels": 3} | arguments))
    if "activation" in arguments:
        for layer in (
            lambda **k: zoo_nn.LinearAct(3, 3, **k),
            lambda **k: zoo_nn.Conv2dAct(3, 3, 3, **k),
            lambda **k: zoo_nn.ConvTranspose2dAct(3, 3, 3, **k),
        ):
            with pytest.raises(ValueError, match=words):
                layer(**arguments)


def test_a_refused_batch_is_not_counted():
    norm = zoo_nn.BatchNormAct(3)
    with pytest.raises(ValueError, match="more than 1 value"):
        norm(torch.zeros(1, 3))
    assert int(norm.num_batches_tracked) == 0


def test_repr_says_what_differs_from_the_defaults():
    assert repr(zoo_nn.BatchNormAct(3)) == "BatchNormAct(3, activation='identity', momentum=0.1, eps=1e-05)"
    norm = zoo_nn.BatchNormAct(3, "leaky_relu", 0.2, "act_norm", affine=False)
    assert "slope=0.2, order='act_norm'" in repr(norm)
    assert "affine=False" in repr(norm)


def test_parameters_take_device_and_dtype():
    norm = zoo_nn.BatchNormAct(3, device="meta", dtype=torch.float64)
    assert norm.weight.device.type == "meta"
    assert norm.running_mean.dtype == torch.float64


def test_arguments_given_by_place_still_reach_device_and_dtype():
    """`unbiased` came later: it is last, so that arguments given by place mean what they meant."""
    norm = zoo_nn.BatchNormAct(3, "relu", 0.0, "norm_act", 0.1, 1e-5, True, True, "meta", torch.float64)
    assert (norm.weight.device.type, norm.running_mean.dtype, norm.unbiased) == ("meta", torch.float64, True)


@pytest.mark.parametrize(
    ("ours", "plain", "shape"),
    [
        (
            lambda **k: zoo_nn.Conv2dAct(32, 48, 4, 2, 1, **k),
            lambda **k: nn.Conv2d(32, 48, 4, 2, 1, **k),
            (2, 32, 8, 8),
        ),
        (
            lambda **k: zoo_nn.ConvTranspose2dAct(32, 48, 4, 2, 1, **k),
            lambda **k: nn.ConvTranspose2d(32, 48, 4, 2, 1, **k),
            (2, 32, 8, 8),
        ),
    ],
)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_convolutions_with_kernels_of_ours_train_alike(ours, plain, shape, layout):
    """The layers go through `zoo.ops`, which takes channels_last memory; without bias and activation they add nothing."""
    torch.manual_seed(0)
    for bias in (True, False):
        layer, theirs = ours(bias=bias).to(memory_format=layout), plain(bias=bias).double()
        theirs.load_state_dict(layer.state_dict())
        x = torch.randn(shape).contiguous(memory_format=layout)
        y, expected = layer(x), theirs(x.double())
        assert y.is_contiguous(memory_format=layout)
        torch.testing.assert_close(y.double(), expected, rtol=1e-5, atol=1e-5)
        (gradient,) = torch.autograd.grad(y.square().sum(), layer.weight)
        (wanted,) = torch.autograd.grad(expected.square().sum(), theirs.weight)
        torch.testing.assert_close(gradient.double(), wanted, rtol=1e-4, atol=1e-3)


def test_a_transposed_convolution_with_padding_same_keeps_its_layout():
    layer = zoo_nn.ConvTranspose2dSame(16, 16, 5, 2, bias=False)
    for layout in (torch.channels_last, torch.contiguous_format):
        assert layer(torch.randn(2, 16, 4, 4).contiguous(memory_format=layout)).is_contiguous(memory_format=layout)


def test_a_layer_that_computes_its_convolution_another_way_is_asked_for_it():
    class Standardised(zoo_nn.Conv2dAct):
        def _conv_forward(self, input, weight, bias):
            return super()._conv_forward(input, 2 * weight, bias)

    torch.manual_seed(0)
    layer, x = Standardised(16, 16, 4, 2, 1, bias=False), torch.randn(2, 16, 8, 8)
    torch.testing.assert_close(
        layer(x), 2 * torch.nn.functional.conv2d(x, layer.weight, None, 2, 1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.filterwarnings("ignore")
def test_layers_that_lie_channels_last_can_be_traced():
    layer = zoo_nn.Conv2dAct(32, 32, 4, 2, 1, activation="relu").to(memory_format=torch.channels_last)
    x = torch.randn(2, 32, 8, 8).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(torch.jit.trace(layer, (x,))(x), layer(x), rtol=1e-4, atol=1e-5)
