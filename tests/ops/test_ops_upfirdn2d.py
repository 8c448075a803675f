"""upfirdn2d: against plain torch in float64, with derivatives of every order."""

from __future__ import annotations

import pytest
import torch
from op_cases import ACTIVATIONS, DTYPES, close, gradients, image, leaves, tensor

from zoo import ops
from zoo.ops import library, reference
from zoo.ops.layout import lies_channels_last

LAST = torch.channels_last
BUILT = "cpu" in library._native
THREE, FOUR, BOX = (0.25, 0.5, 0.25), (0.125, 0.375, 0.375, 0.125), (0.5, 0.5)
LOPSIDED = (0.1, -0.3, 0.7, 0.2, 0.4)
# taps, up, down, padding
WAYS = [
    (THREE, 2, 1, (2, 0, 2, 0)),
    (THREE, 1, 2, (1, 0, 1, 0)),
    (FOUR, 2, 1, (2, 1, 2, 1)),
    (FOUR, 1, 2, 1),
    (BOX, 2, 1, (1, 0, 1, 0)),
    (BOX, 1, 2, 0),
    (THREE, 1, 1, 1),
    (LOPSIDED, 1, 1, (3, 0, 1, 4)),
    (LOPSIDED, 2, 2, (2, 5, 0, 3)),
    (LOPSIDED, 3, 2, (0, 7, 2, 3)),
    (LOPSIDED, 2, 3, (4, 1, 6, 2)),
    ((2.0,), 1, 3, 0),
    ((-1.5,), 2, 1, (1, 0, 0, 1)),
    (THREE, 2, 1, (-1, 3, 2, -2)),
    (FOUR, 1, 1, (-1, 2, 1, -2)),
]
LAYOUTS = ["contiguous", "channels_last", "transposed", "expanded"]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_reference_in_float64(dtype, layout):
    for index, way in enumerate(WAYS):
        for activation in ACTIVATIONS if index < 2 else ACTIVATIONS[index % 3 : index % 3 + 1]:
            for bias in (tensor((19,), dtype, 1), tensor((19,), torch.float32, 1), None):
                if dtype == torch.float64 and bias is not None and bias.dtype != dtype:
                    continue
                inputs = leaves(image(layout, dtype, batch=2), bias)
                wide = leaves(image(layout, dtype, batch=2), bias, dtype=torch.float64)
                y = ops.upfirdn2d(inputs[0], *way, inputs[1], *activation)
                expected = reference.upfirdn2d(wide[0], *way, wide[1], *activation)
                assert y.dtype == dtype
                what = f"{way} {activation}"
                close(y, expected, dtype, what=what)
                results = gradients(y, inputs, dtype=dtype)
                for leaf, got, want in zip(inputs, results, gradients(expected, wide, dtype=dtype), strict=False):
                    assert got.dtype == leaf.dtype
                    close(got, want, dtype, factor=4, what=what)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (3, 1, 6, 5), (2, 3, 1, 9), (1, 64, 9, 1), (2, 35, 4, 4), (5, 16, 33, 17)]
)
@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
def test_odd_shapes(shape, layout):
    x, bias = tensor(shape).contiguous(memory_format=layout), tensor(shape[1:2], seed=1)
    for way in WAYS[:7]:
        if way[2] == 2 and min(shape[2:]) == 1:
            way = (*way[:3], 3)
        inputs, wide = leaves(x, bias), leaves(x, bias, dtype=torch.float64)
        y = ops.upfirdn2d(inputs[0], *way, inputs[1], "leaky_relu")
        expected = reference.upfirdn2d(wide[0], *way, wide[1], "leaky_relu")
        close(y, expected, torch.float32, what=str(way))
        for got, want in zip(gradients(y, inputs), gradients(expected, wide), strict=True):
            close(got, want, torch.float32, factor=4, what=str(way))


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
def test_result_and_gradient_lie_as_x_does(layout):
    (x,) = leaves(tensor((2, 5, 4, 6)).contiguous(memory_format=layout))
    for bias, activation in ((None, "identity"), (torch.ones(5), "relu")):
        y = ops.upfirdn2d(x, THREE, 2, 1, (2, 0, 2, 0), bias, activation)
        for upstream in (torch.ones_like(y), torch.ones(1).expand(y.shape)):
            (gradient,) = torch.autograd.grad(y, x, upstream, retain_graph=True)
            for t in (y, gradient):
                assert lies_channels_last(t) == (layout == LAST)
                assert t.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_derivatives_of_first_second_and_third_order_in_float64(way):
    x, bias = leaves(tensor((2, 3, 5, 4), torch.float64), tensor((3,), torch.float64, 4))

    def linear(x):
        return ops.upfirdn2d(x, *way)

    def fused(x, bias, activation="tanh"):
        return ops.upfirdn2d(x, *way, bias, activation)

    assert torch.autograd.gradcheck(linear, (x,), fast_mode=True)
    assert torch.autograd.gradgradcheck(linear, (x,), fast_mode=True)
    assert torch.autograd.gradcheck(fused, (x, bias), fast_mode=True)
    assert torch.autograd.gradgradcheck(fused, (x, bias), fast_mode=True)

    def slope(x, bias):
        return torch.autograd.grad(fused(x, bias).square().sum(), (x, bias), create_graph=True)

    assert torch.autograd.gradgradcheck(slope, (x, bias), fast_mode=True), "the third"


@pytest.mark.parametrize(("activation", "slope"), ACTIVATIONS)
def test_gradients_of_gradients_of_gradients_are_those_of_the_reference(activation, slope):
    found = []
    for module in (ops, reference):
        x, bias = leaves(tensor((2, 3, 5, 4), torch.float64), tensor((3,), torch.float64, 4))
        values = [module.upfirdn2d(x, FOUR, 2, 1, (2, 1, 2, 1), bias, activation, slope)]
        for _ in range(3):
            values += [
                torch.cat(
                    [
                        g.flatten()
                        for g in torch.autograd.grad(
                            values[-1].pow(3).sum(), (x, bias), create_graph=True, materialize_grads=True
                        )
                    ]
                )
            ]
        found.append(values)
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_backward_stays_with_our_op_when_it_is_differentiated():
    (x,) = leaves(tensor((2, 3, 5, 4)))
    (gradient,) = torch.autograd.grad(ops.upfirdn2d(x, THREE, 2).square().sum(), x, create_graph=True)
    assert type(gradient.grad_fn).__name__ == "ResampledBackward"


def test_a_filter_may_be_a_tensor_and_is_turned_round_as_in_a_convolution():
    x = torch.zeros(1, 1, 1, 5)
    x[..., 2] = 1
    taps = torch.tensor([1.0, 2.0, 3.0])
    y = ops.upfirdn2d(x, taps, padding=1)
    assert torch.equal(y, ops.upfirdn2d(x, (1, 2, 3), padding=(1, 1, 1, 1)))
    assert y.flatten().tolist() == [0, 2, 4, 6, 0]
    assert ops.upfirdn2d(x[..., 2:3], (1, 2, 3, 4), 2, 1, (2, 2, 0, 3))[..., 0, :].tolist() == [[[8.0, 12.0, 16.0]]]


def test_nothing_outside_of_the_tensors_is_read():
    """What lies before and behind them is NaN, which would come through."""
    for shape, layout in (((2, 5, 6, 7), LAST), ((2, 5, 6, 7), torch.contiguous_format), ((1, 16, 3, 3), LAST)):
        t = tensor(shape).contiguous(memory_format=layout)
        memory = torch.full((t.numel() + 256,), float("nan"))
        inside = memory[128:-128].as_strided(t.shape, t.stride()).copy_(t)
        for way in WAYS[:-2]:
            y = ops.upfirdn2d(inside, *way)
            assert y.isfinite().all(), way
            assert torch.equal(y, ops.upfirdn2d(t, *way))


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
def test_results_are_the_same_on_any_number_of_threads(layout):
    x, bias = leaves(tensor((8, 32, 24, 24)).contiguous(memory_format=layout), tensor((32,)))
    runs = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            y = ops.upfirdn2d(x, FOUR, 2, 1, (2, 1, 2, 1), bias, "leaky_relu")
            runs.append([y.detach(), *gradients(y, [x, bias])])
        finally:
            torch.set_num_threads(1)
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


def test_an_empty_batch_passes():
    x, bias = leaves(torch.zeros(0, 3, 4, 4), torch.zeros(3))
    y = ops.upfirdn2d(x, THREE, 2, 1, (2, 0, 2, 0), bias, "relu")
    assert y.shape == (0, 3, 8, 8)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert torch.equal(bias.grad, torch.zeros(3))


X = torch.zeros(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((torch.zeros(2, 3), THREE), ValueError, ["(2, 3)", "(N, C, H, W)"]),
        ((X.int(), THREE), TypeError, ["int32"]),
        ((X, ()), ValueError, ["0 taps"]),
        ((X, [1.0] * 33), ValueError, ["33 taps", "1 to 32"]),
        ((X, torch.ones(2, 2)), ValueError, ["filter has shape (2, 2)"]),
        ((X, THREE, 0), ValueError, ["up is 0"]),
        ((X, THREE, 1, 0), ValueError, ["down is 0"]),
        ((X, THREE, 1, 1, (1, 2)), ValueError, ["(1, 2)", "four"]),
        ((X, [1.0] * 6), ValueError, ["6 taps", "(2, 3, 4, 4)", "pad more"]),
        ((X, THREE, 1, 1, 0, torch.zeros(4)), ValueError, ["(4,)", "(2, 3, 4, 4)"]),
        ((X, THREE, 1, 1, 0, None, "tahn"), ValueError, ["did you mean 'tanh'"]),
        ((X, THREE, 1, 1, 0, None, "leaky_relu", -1.0), ValueError, ["slope is -1.0"]),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(arguments, error, words):
    with pytest.raises(error) as caught:
        ops.upfirdn2d(*arguments)
    for word in words:
        assert word in str(caught.value)


def test_calls_by_name_are_refused_too():
    ones = [1.0, 1.0]
    for arguments, words in (
        ((X[0], None, ones, 1, 1, 0, 0, 3, 3, 0, 0.0), "(N, C, H, W)"),
        ((X, None, [], 1, 1, 0, 0, 3, 3, 0, 0.0), "taps"),
        ((X, None, ones, 0, 1, 0, 0, 3, 3, 0, 0.0), "up is 0"),
        ((X, None, ones, 1, 1, 0, 0, 3, 3, 9, 0.0), "activation is 9"),
        ((X, None, ones, 1, 1, 0, 0, -1, 3, 0, 0.0), "-1"),
    ):
        if BUILT:
            with pytest.raises(RuntimeError, match=words.replace("(", r"\(").replace(")", r"\)")):
                torch.ops.zoo.upfirdn2d_forward(*arguments)
