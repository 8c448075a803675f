"""upfirdn2d on CUDA against the reference in float64."""

from __future__ import annotations

import pytest
import torch
from cuda_cases import DEVICE, LAYOUTS, SHAPES, close, laid_out, leaves, tensor, wide
from op_cases import ACTIVATIONS, DTYPES

from zoo import ops
from zoo.ops import reference

pytestmark = pytest.mark.ops("upfirdn2d")

# taps, up, down, padding
WAYS = [
    ((0.25, 0.5, 0.25), 2, 1, (2, 0, 2, 0)),
    ((0.125, 0.375, 0.375, 0.125), 1, 2, 1),
    ((0.1, -0.3, 0.7, 0.2, 0.4), 3, 2, (2, 7, -1, 5)),
    ((2.0,), 2, 1, (1, 0, 0, 1)),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_reference_in_float64(dtype, layout):
    images = [shape for shape, _ in SHAPES if len(shape) == 4]
    for index, shape in enumerate(images):
        for way in WAYS if index < 3 else WAYS[:2]:
            for given in (dtype, torch.float32, None):
                if dtype == torch.float64 and given == torch.float32:
                    continue
                activation = ACTIVATIONS[index % len(ACTIVATIONS)]
                bias = None if given is None else tensor((shape[1],), given, 1).to(DEVICE)
                x = laid_out(tensor(shape, dtype), layout)
                inputs, twins = leaves(x, bias), wide(x, bias)
                if min(shape[2:]) < 2 and way[3] == 1:
                    way = (*way[:3], 2)
                y = ops.upfirdn2d(inputs[0], *way, inputs[1], *activation)
                expected = reference.upfirdn2d(twins[0], *way, twins[1], *activation)
                what = f"{shape} {way} {activation}"
                assert y.dtype == dtype
                close(y.cpu(), expected, dtype, what=what)
                upstream = tensor(tuple(y.shape), dtype, 5)
                results = torch.autograd.grad(y, [t for t in inputs if t is not None], upstream.to(DEVICE))
                wanted = torch.autograd.grad(expected, [t for t in twins if t is not None], upstream.double())
                for got, want in zip(results, wanted, strict=True):
                    close(got.cpu(), want, dtype, factor=4, what=what)


def test_an_empty_batch():
    x, bias = leaves(torch.zeros(0, 3, 2, 2, device=DEVICE), torch.ones(3, device=DEVICE))
    y = ops.upfirdn2d(x, (1.0, 1.0), 2, 1, (1, 0, 1, 0), bias, "relu")
    got = torch.autograd.grad(y.sum(), (x, bias))
    assert (y.shape, got[0].shape) == ((0, 3, 4, 4), x.shape)
