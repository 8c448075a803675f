"""bias_act on CUDA against the reference in float64."""

from __future__ import annotations

import pytest
import torch
from cuda_cases import DEVICE, LAYOUTS, SHAPES, close, laid_out, leaves, tensor, wide
from op_cases import ACTIVATIONS, DTYPES

from zoo import ops
from zoo.ops import reference

pytestmark = pytest.mark.ops("bias_act")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_reference_in_float64(plan, dtype, layout):
    for index, (shape, _) in enumerate(SHAPES):
        for activation, slope in ACTIVATIONS if index < 3 else ACTIVATIONS[2:3]:
            for given in (dtype, torch.float32, None):
                if dtype == torch.float64 and given == torch.float32:
                    continue
                bias = None if given is None else tensor((shape[1],), given, 1).to(DEVICE)
                x = laid_out(tensor(shape, dtype), layout)
                inputs, twins = leaves(x, bias), wide(x, bias)
                y = ops.bias_act(*inputs, activation, slope)
                expected = reference.bias_act(*twins, activation, slope)
                what = f"{shape} {activation}"
                assert y.dtype == dtype
                close(y.cpu(), expected, dtype, what=what)
                upstream = tensor(shape, dtype, 5)
                results = torch.autograd.grad(y, [t for t in inputs if t is not None], upstream.to(DEVICE))
                wanted = torch.autograd.grad(expected, [t for t in twins if t is not None], upstream.double())
                for got, want in zip(results, wanted, strict=True):
                    close(got.cpu(), want, dtype, factor=4, what=what)


def test_an_empty_batch():
    x, bias = leaves(torch.zeros(0, 3, 2, 2, device=DEVICE), torch.ones(3, device=DEVICE))
    y = ops.bias_act(x, bias, "relu")
    got = torch.autograd.grad(y.sum(), (x, bias))
    assert (y.shape, got[0].shape) == (x.shape, x.shape)
    assert torch.equal(got[1], torch.zeros_like(bias))
