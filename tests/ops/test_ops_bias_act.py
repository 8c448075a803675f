"""bias_act: against plain torch in float64, with gradients of every order."""

from __future__ import annotations

import pytest
import torch
from op_cases import ACTIVATIONS, DTYPES, LAYOUTS, close, gradients, image, leaves, tensor

from zoo import ops
from zoo.ops import reference
from zoo.ops.families import bias_act as family
from zoo.ops.kinds import ACTIVATIONS as NAMES


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_reference_in_float64(dtype, layout):
    for activation, slope in ACTIVATIONS:
        for bias in (tensor((19,), dtype, 1), tensor((19,), torch.float32, 1), None):
            if dtype == torch.float64 and bias is not None and bias.dtype != dtype:
                continue
            inputs = leaves(image(layout, dtype), bias)
            wide = leaves(image(layout, dtype), bias, dtype=torch.float64)
            y = ops.bias_act(*inputs, activation, slope)
            expected = reference.bias_act(*wide, activation, slope)
            assert y.dtype == dtype
            close(y, expected, dtype)
            results = gradients(y, inputs, dtype=dtype)
            wanted = gradients(expected, wide, dtype=dtype)
            for leaf, got, want in zip(inputs, results, wanted, strict=False):
                assert got.dtype == leaf.dtype
                close(got, want, dtype, factor=3, what=activation)


@pytest.mark.parametrize(("activation", "slope"), ACTIVATIONS)
def test_gradients_of_first_and_second_order_in_float64(activation, slope):
    for shape in ((4, 3), (2, 3, 2, 2)):
        x, bias = leaves(tensor(shape, torch.float64), tensor((3,), torch.float64, 4))
        for arguments in ((x, bias), (x,)):

            def call(x, bias=None):
                return ops.bias_act(x, bias, activation, slope)

            assert torch.autograd.gradcheck(call, arguments, fast_mode=True)
            assert torch.autograd.gradgradcheck(call, arguments, fast_mode=True)


@pytest.mark.parametrize(("activation", "slope"), ACTIVATIONS)
def test_infinities_and_nan_propagate_as_in_the_reference(activation, slope):
    x = image("rows", torch.float32)
    x[0, :4] = torch.tensor([float("inf"), float("-inf"), float("nan"), 0.0])
    results = []
    for module in (ops, reference):
        (leaf,) = leaves(x)
        y = module.bias_act(leaf, None, activation, slope)
        results.append((y.detach(), *gradients(y, [leaf])))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, equal_nan=True)


def test_the_result_is_never_the_input_itself():
    x = image("rows", torch.float32)
    for module in (ops, reference):
        assert module.bias_act(x, None).data_ptr() != x.data_ptr()


def test_an_empty_batch_passes():
    x, bias = leaves(torch.zeros(0, 3, 4, 4), torch.zeros(3))
    y = ops.bias_act(x, bias, "relu")
    assert y.shape == x.shape
    y.sum().backward()
    assert torch.equal(bias.grad, torch.zeros(3))


@pytest.mark.parametrize(
    ("x", "bias", "error", "words"),
    [
        (torch.zeros(2, 3, 4), torch.zeros(3), ValueError, ["(2, 3, 4)"]),
        (torch.zeros(2, 3), torch.zeros(4), ValueError, ["(4,)", "(2, 3)"]),
        (torch.zeros(2, 3, dtype=torch.int32), torch.zeros(3), TypeError, ["int32"]),
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.bfloat16), TypeError, ["bfloat16", "float32"]),
        (torch.zeros(2, 3), torch.zeros(3, device="meta"), ValueError, ["meta", "cpu"]),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(x, bias, error, words):
    with pytest.raises(error) as caught:
        ops.bias_act(x, bias)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_bias_that_nobody_asks_about_costs_no_sum(activation, dtype, layout, monkeypatch):
    """In the generator's step the discriminator's parameters require gradients, but backward(inputs=...) omits them."""
    sums = []
    backward = family._backward
    monkeypatch.setattr(family, "_backward", lambda *a: sums.append(1) or backward(*a))
    x = tensor((4, 5, 3, 3), dtype).contiguous(memory_format=layout).requires_grad_()
    bias, upstream = tensor((5,), dtype).requires_grad_(), tensor((4, 5, 3, 3), dtype)

    def run(**asked):
        x.grad = bias.grad = None
        ops.bias_act(x * 1, bias, activation, 0.2).backward(upstream, **asked)
        return x.grad

    everything = run()
    assert sums == [1]
    assert bias.grad is not None
    alone = run(inputs=[x])
    assert sums == [1]
    assert bias.grad is None
    torch.testing.assert_close(alone, everything)
    run(inputs=[x, bias])
    assert sums == [1, 1]
    assert bias.grad is not None
    y = ops.bias_act(x, bias * 1, activation, 0.2)
    for inputs in ([bias], [x], [x, bias]):
        for given in torch.autograd.grad(y, inputs, upstream, retain_graph=True):
            assert given.shape in (x.shape, bias.shape)
    frozen = ops.bias_act(x, bias.detach(), activation, 0.2)
    count = len(sums)
    torch.testing.assert_close(torch.autograd.grad(frozen, x, upstream)[0], everything)
    assert len(sums) == count
