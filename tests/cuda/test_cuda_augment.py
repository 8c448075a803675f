"""augment on CUDA against the reference in float64."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from cuda_cases import DEVICE, close, leaves, tensor, wide
from op_cases import DTYPES

from zoo import ops
from zoo.ops import reference
from zoo.ops.kinds import PADDINGS

pytestmark = pytest.mark.ops("augment")

SHAPES = [(3, 3, 13, 11), (2, 1, 8, 8), (2, 4, 5, 17), (2, 6, 4, 9), (1, 3, 1, 1), (2, 2, 1, 7), (40, 3, 64, 64)]


def parameters(shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    count, channels, height, width = shape
    affine = tensor((count, 2, 3), seed=1).float() * 0.3 + torch.eye(2, 3)
    affine[:, :, 2] *= 4
    affine[0] *= 2.5  # looks well beyond the edge
    affine[-1, 1] = 0  # no inverse
    color = tensor((count, channels, 2 * channels + 1), seed=2).float() / 2
    color[-1, :, channels:-1] = 0
    box = torch.tensor([[-2, 1, height // 2, width + 3]]).repeat(count, 1)
    return {"affine": affine, "color": color, "box": box}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("channels_last", [False, True])
def test_equals_the_reference_in_float64(dtype, channels_last):
    for shape, padding in product(SHAPES, PADDINGS):
        for names in (["affine"], ["color"], ["box"], ["affine", "color", "box"], []):
            given = {name: each for name, each in parameters(shape).items() if name in names}
            x = tensor(shape, dtype).to(DEVICE)
            x = x.contiguous(memory_format=torch.channels_last) if channels_last else x
            inputs, twins = leaves(x), wide(x)
            y = ops.augment(*inputs, **{name: each.to(DEVICE) for name, each in given.items()}, padding=padding)
            expected = reference.augment(*twins, **given, padding=padding)
            what = f"{shape} {padding} {names}"
            assert y.dtype == dtype, what
            close(y.cpu(), expected, dtype, factor=3, what=what)
            upstream = tensor(shape, dtype, 5)
            (got,) = torch.autograd.grad(y, inputs, upstream.to(DEVICE))
            (want,) = torch.autograd.grad(expected, twins, upstream.double())
            close(got.cpu(), want, dtype, factor=8, what=f"gradient, {what}")


def test_pixels_that_only_move_are_copied_bit_by_bit():
    x = tensor((4, 3, 9, 9)).to(DEVICE)
    x[:, :, 4, 4] = float("inf")
    maps = torch.tensor([[1, 0, 0, 0, 1, 0], [-1, 0, 8, 0, 1, 0], [0, 1, 0, -1, 0, 8], [0, 1, 0, 1, 0, 0]])
    y = ops.augment(x, maps.float().view(4, 2, 3).to(DEVICE))
    expected = [x[0], x[1].flip(2), x[2].rot90(-1, (1, 2)), x[3].transpose(1, 2)]
    assert all(torch.equal(got, want) for got, want in zip(y, expected, strict=True))


@pytest.mark.parametrize("value", [1e30, float("nan"), 3e6])
def test_maps_that_look_absurdly_far_read_nothing_that_is_not_there(value):
    affine = torch.eye(2, 3).repeat(3, 1, 1)
    affine[0, 0, 2] = affine[1, 1, 1] = affine[2] = value
    for padding in PADDINGS:
        x = tensor((3, 2, 5, 7), torch.float64)
        inputs, twins = leaves(x.to(DEVICE)), leaves(x)
        y = ops.augment(*inputs, affine.to(DEVICE), padding=padding)
        expected = reference.augment(*twins, affine, padding=padding)
        close(y.cpu(), expected, torch.float64)
        close(
            torch.autograd.grad(y.sum(), inputs)[0].cpu(), torch.autograd.grad(expected.sum(), twins)[0], torch.float64
        )


def test_the_same_bits_every_time():
    shape = (40, 3, 64, 64)
    given = {name: each.to(DEVICE) for name, each in parameters(shape).items()}
    found = []
    for _ in range(3):
        (x,) = leaves(tensor(shape).to(DEVICE))
        found.append(torch.autograd.grad(ops.augment(x, **given, padding="reflect").square().sum(), x)[0])
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
