"""zoo.nn's convolutions with TensorFlow's padding "same", against its definition written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import zoo.nn as zoo_nn

SIZES = [(7, 7), (8, 8), (9, 6), (5, 1)]
KERNELS = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (5, 2)]
STRIDES = [1, 2, 3, (2, 1)]


def padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after: as many as ⌈size / stride⌉ results take, the odd one at the end."""
    total = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


def same(x: torch.Tensor, layer: nn.Conv2d) -> torch.Tensor:
    """The convolution of x: every result a sum over its window, one after the other."""
    (top, bottom), (left, right) = (
        padding(*each) for each in zip(x.shape[2:], layer.kernel_size, layer.stride, strict=True)
    )
    x = nn.functional.pad(x, (left, right, top, bottom))
    rows = range(0, x.shape[2] - layer.kernel_size[0] + 1, layer.stride[0])
    columns = range(0, x.shape[3] - layer.kernel_size[1] + 1, layer.stride[1])
    window = [[x[:, :, i:, j:][:, :, : layer.kernel_size[0], : layer.kernel_size[1]] for j in columns] for i in rows]
    results = [[torch.einsum("nihw,oihw->no", part, layer.weight) for part in row] for row in window]
    return torch.stack([torch.stack(row, -1) for row in results], -2)


@pytest.mark.parametrize("stride", STRIDES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_same_convolutions_are_their_definition_and_transposed_ones_its_adjoint(size, kernel, stride):
    layer = zoo_nn.Conv2dSame(2, 3, kernel, stride, dtype=torch.float64)
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    bare = layer(x) - layer.bias[:, None, None]
    torch.testing.assert_close(bare, same(x, layer))
    assert bare.shape[2:] == tuple(math.ceil(n / s) for n, s in zip(size, layer.stride, strict=True))

    # <conv(u), v> = <u, transposed(v)> for images u of stride times v's size
    back = zoo_nn.ConvTranspose2dSame(3, 2, kernel, stride, bias=False, dtype=torch.float64)
    back.load_state_dict({"weight": layer.weight.detach()})
    v = torch.randn(2, 3, *size, dtype=torch.float64)
    u = torch.randn(2, 2, *(n * s for n, s in zip(size, layer.stride, strict=True)), dtype=torch.float64)
    drawn = back(v)
    assert drawn.shape == u.shape
    torch.testing.assert_close((drawn * u).sum(), (v * same(u, layer)).sum())


def test_kernel_5_stride_2_pads_one_before_and_two_after():
    assert padding(28, 5, 2) == (1, 2)
    layer = zoo_nn.Conv2dSame(1, 1, 5, 2, bias=False)
    nn.init.ones_(layer.weight)
    dot = torch.zeros(1, 1, 28, 28)
    dot[..., 3, 3] = 1
    assert layer(dot)[0, 0].nonzero().unique().tolist() == [0, 1, 2], "of rows -1 to 3, 1 to 5 and 3 to 7"
    up = zoo_nn.ConvTranspose2dSame(1, 1, 5, 2, bias=False)
    nn.init.ones_(up.weight)
    dot = torch.zeros(1, 1, 7, 7)
    dot[..., 3, 3] = 1
    drawn = up(dot)[0, 0].nonzero()
    assert (drawn.min().item(), drawn.max().item()) == (5, 9), "3 · 2 - 1 to 3 · 2 + 3"


@pytest.mark.parametrize("size", [(9, 9), (10, 12)], ids=str)
def test_dilated_and_grouped_convolutions_have_the_size_of_the_others(size):
    x = torch.randn(1, 4, *size)
    layer = zoo_nn.Conv2dSame(4, 6, 3, 2, dilation=2, groups=2)
    assert layer(x).shape == (1, 6, math.ceil(size[0] / 2), math.ceil(size[1] / 2))
    assert zoo_nn.ConvTranspose2dSame(4, 6, 3, 1, dilation=2, groups=2)(x).shape == (1, 6, *size)


@pytest.mark.parametrize("kind", [zoo_nn.Conv2dSame, zoo_nn.ConvTranspose2dSame])
@pytest.mark.parametrize("bias", [True, False])
def test_bias_and_activation_come_after(kind, bias):
    layer = kind(2, 3, 5, 2, bias=bias, activation="leaky_relu", slope=0.3)
    plain = kind(2, 3, 5, 2, bias=False)
    plain.load_state_dict({"weight": layer.weight.detach()})
    x = torch.randn(2, 2, 6, 6)
    before = plain(x) + (layer.bias[:, None, None] if bias else 0)
    torch.testing.assert_close(layer(x), nn.functional.leaky_relu(before, 0.3))
    assert "activation='leaky_relu', slope=0.3" in repr(layer)


@pytest.mark.parametrize("kind", [zoo_nn.Conv2dSame, zoo_nn.ConvTranspose2dSame])
def test_channels_last_gradients_and_half_precision_work(kind):
    layer = kind(2, 3, 5, 2, activation="tanh")
    x = torch.randn(2, 2, 6, 6, requires_grad=True)
    layer(x).sum().backward()
    expected = x.grad
    y = x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    layer.to(memory_format=torch.channels_last)(y).sum().backward()
    torch.testing.assert_close(y.grad, expected)
    assert layer.bfloat16()(x.detach().bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", [zoo_nn.Conv2dSame, zoo_nn.ConvTranspose2dSame])
def test_a_padding_or_an_unknown_activation_is_refused(kind):
    with pytest.raises(ValueError, match="padding is 2; this layer pads with zeros"):
        kind(2, 3, 5, 2, padding=2)
    with pytest.raises(ValueError, match="padding_mode is 'reflect'"):
        kind(2, 3, 5, 2, padding_mode="reflect")
    with pytest.raises(ValueError, match="did you mean 'leaky_relu'"):
        kind(2, 3, 5, activation="leakyrelu")
