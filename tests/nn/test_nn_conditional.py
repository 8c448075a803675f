"""Class-conditional batch normalisation, against the formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo.nn
from zoo.nn.groups import in_groups

ACTIVATIONS = {"identity": lambda y: y, "relu": torch.relu, "leaky_relu": lambda y: nn.functional.leaky_relu(y, 0.2)}


def layer_of(activation: str = "relu") -> zoo.nn.ConditionalBatchNormAct:
    torch.manual_seed(0)
    layer = zoo.nn.ConditionalBatchNormAct(5, 3, activation, 0.2).double()
    nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    return layer


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(8, 5), (8, 5, 3, 2)], ids=["rows", "images"])
def test_each_class_has_a_scale_and_a_shift_of_its_own(activation, shape):
    layer, plain = layer_of(activation), (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(5, affine=False)
    plain = plain.double()
    labels = torch.tensor([0, 1, 2, 2, 1, 0, 0, 1])
    for _ in range(2):
        x = torch.randn(shape, dtype=torch.float64)
        normed = plain(x)
        rows = [n * layer.weight[k].view(-1, *[1] * (n.dim() - 1)) + layer.bias[k].view(-1, *[1] * (n.dim() - 1))
                for n, k in zip(normed, labels, strict=True)]  # fmt: skip
        torch.testing.assert_close(layer(x, labels), ACTIVATIONS[activation](torch.stack(rows)))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(layer.norm.state_dict()[name], value)
    layer.eval(), plain.eval()
    expected = plain(x) * layer.weight[labels].view(8, 5, *[1] * (len(shape) - 2))
    expected = expected + layer.bias[labels].view(8, 5, *[1] * (len(shape) - 2))
    torch.testing.assert_close(layer(x, labels), ACTIVATIONS[activation](expected))


def test_it_begins_as_plain_batch_normalisation():
    layer, x = zoo.nn.ConditionalBatchNormAct(5, 3, "relu"), torch.randn(6, 5, 2, 2)
    torch.testing.assert_close(layer(x, torch.arange(6) % 3), zoo.nn.BatchNormAct(5, "relu")(x))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_keeps_the_layout(layout):
    layer, x = zoo.nn.ConditionalBatchNormAct(16, 3, "relu"), torch.randn(4, 16, 3, 3)
    y = layer(x.contiguous(memory_format=layout), torch.tensor([0, 1, 2, 0]))
    assert y.is_contiguous(memory_format=layout)


def test_it_can_be_differentiated_twice():
    layer = layer_of("leaky_relu")
    x, labels = torch.randn(4, 5, 2, 1, dtype=torch.float64, requires_grad=True), torch.tensor([0, 1, 1, 0])

    def apply(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x, labels))

    inputs = (x, layer.weight, layer.bias)
    assert torch.autograd.gradcheck(apply, inputs)
    assert torch.autograd.gradgradcheck(apply, inputs)


def test_halves_of_a_joined_pass_are_normalised_apart():
    layer, x, labels = layer_of(), torch.randn(8, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 0] * 2)
    with in_groups(layer, 2):
        both = layer(x, labels)
    torch.testing.assert_close(both, torch.cat([layer(x[:4], labels[:4]), layer(x[4:], labels[4:])]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(channels=0), "channels is 0"),
        (dict(classes=0), "classes is 0"),
        (dict(activation="rely"), "did you mean 'relu'"),
        (dict(momentum=2.0), "momentum is 2.0"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        zoo.nn.ConditionalBatchNormAct(**(dict(channels=3, classes=2) | arguments))


def test_repr_names_the_classes():
    assert "5, classes=3, activation='relu'" in repr(zoo.nn.ConditionalBatchNormAct(5, 3, "relu"))
