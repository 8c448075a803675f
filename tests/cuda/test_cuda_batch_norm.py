"""batch_norm_act on CUDA against the reference in float64, in every plan of launching it."""

from __future__ import annotations

import pytest
import torch
from cuda_cases import DEVICE, LAYOUTS, SHAPES, check_batch_norm, close, laid_out, leaves, parameters, running, tensor
from op_cases import ACTIVATIONS, DTYPES, ORDERS

from zoo import ops
from zoo.ops import reference

pytestmark = pytest.mark.ops("batch_norm_act")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_all_options_on_odd_sizes(plan, dtype, layout, training):
    statistics_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    for shape, groups in SHAPES[:3]:
        for activation, slope in ACTIVATIONS:
            for order in ORDERS:
                for parts in {1, groups}:
                    for affine in (True, False):
                        if shape == (4, 3, 1, 2) and dtype not in (torch.float64,):
                            continue  # four values per channel are normalised to few digits
                        x = laid_out(tensor(shape, dtype) * 2 + 0.5, layout)
                        weight, bias = parameters(shape[1], dtype) if affine else (None, None)
                        options = {"activation": activation, "slope": slope, "order": order, "groups": parts}
                        check_batch_norm(
                            x, weight, bias, running(shape[1], statistics_dtype), training, **options
                        )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "unaligned"])
def test_all_sizes(plan, dtype, layout):
    statistics_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    for shape, groups in SHAPES[3:]:
        x = laid_out(tensor(shape, dtype) * 2 + 0.5, layout)
        weight, bias = parameters(shape[1], statistics_dtype)
        options = {"activation": "leaky_relu", "slope": 0.2, "groups": groups}
        check_batch_norm(x, weight, bias, running(shape[1], statistics_dtype), True, factor=2, **options)
        check_batch_norm(x, weight, bias, running(shape[1], statistics_dtype), False, factor=2, **options)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_parameters_and_running_statistics_of_16_bits(plan, dtype):
    x = laid_out(tensor((6, 24, 8, 8), dtype), "channels_last")
    check_batch_norm(x, *parameters(24, dtype), running(24, dtype), True, activation="relu", groups=2)


def test_layout_of_results_follows_the_input(plan):
    x = laid_out(tensor((4, 8, 4, 4)), "channels_last").requires_grad_()
    y = ops.batch_norm_act(x, None, None, None, None)
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y).contiguous())
    for t in (y, gradient):
        assert t.is_contiguous(memory_format=torch.channels_last)
    assert ops.batch_norm_act(x.detach().contiguous(), None, None, None, None).is_contiguous()


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "unaligned"])
def test_a_gradient_of_any_strides(plan, layout):
    x = laid_out(tensor((6, 16, 8, 8)), layout)
    for upstream in (torch.ones((), device=DEVICE).expand(x.shape), tensor((6, 16, 8, 8)).to(DEVICE).transpose(2, 3)):
        for training in (True, False):
            (leaf,), (twin,) = leaves(x), leaves(x.cpu(), dtype=torch.float64)
            statistics = running(16, torch.float32)
            y = ops.batch_norm_act(leaf, None, None, *statistics, training, activation="tanh")
            statistics = [t.cpu().double() for t in running(16, torch.float32)]
            expected = reference.batch_norm_act(twin, None, None, *statistics, training, activation="tanh")
            (got,), (want,) = (
                torch.autograd.grad(y, leaf, upstream),
                torch.autograd.grad(expected, twin, upstream.cpu().double().contiguous()),
            )
            close(got.cpu(), want, torch.float32, factor=4)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "unaligned"])
@pytest.mark.parametrize("images", [2, 64])
def test_statistics_survive_a_mean_of_ten_thousand_deviations(plan, layout, images):
    x = laid_out((tensor((images, 24, 16, 16), torch.float64) * 2 + 2e4).float(), layout)
    mean, var = torch.zeros(24, device=DEVICE), torch.zeros(24, device=DEVICE)
    ops.batch_norm_act(x, None, None, mean, var, momentum=1.0)
    torch.testing.assert_close(mean.double(), x.double().mean((0, 2, 3)), rtol=1e-7, atol=0)
    torch.testing.assert_close(var.double(), x.double().var((0, 2, 3)), rtol=1e-4, atol=0)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "unaligned"])
def test_statistics_survive_drifts_and_outliers(plan, layout):
    for shift in (torch.linspace(0, 1e4, 64), torch.cat([torch.full((1,), 1e4), torch.zeros(63)])):
        x = laid_out(tensor((64, 8, 8, 8)) + shift.view(-1, 1, 1, 1), layout)
        mean, var = torch.zeros(8, device=DEVICE), torch.zeros(8, device=DEVICE)
        ops.batch_norm_act(x, None, None, mean, var, momentum=1.0)
        torch.testing.assert_close(mean.double(), x.double().mean((0, 2, 3)), rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(var.double(), x.double().var((0, 2, 3)), rtol=1e-4, atol=0)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "unaligned"])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_infinities_and_nan_propagate_as_in_the_reference(plan, layout, value):
    for activation, slope in ACTIVATIONS:
        for order in ORDERS:
            x = tensor((6, 8, 5, 7))
            x[1, 3, 2, 1] = value
            x[2, 5, 0, 0] = float("nan")
            options = {"activation": activation, "slope": slope, "order": order}
            (leaf,), (twin,) = leaves(laid_out(x, layout)), leaves(x)
            y = ops.batch_norm_act(leaf, None, None, None, None, **options)
            expected = reference.batch_norm_act(twin, None, None, None, None, **options)
            upstream = tensor((6, 8, 5, 7), seed=5)
            (got,), (want,) = (
                torch.autograd.grad(y, leaf, upstream.to(DEVICE)),
                torch.autograd.grad(expected, twin, upstream),
            )
            for ours, theirs in ((y, expected), (got, want)):
                assert torch.equal(ours.isnan().cpu(), theirs.isnan()), options
                close(ours.cpu(), theirs, torch.float32, factor=4, what=str(options))


def test_a_gradient_penalty_reaches_the_parameters():
    results = []
    for device, dtype in ((DEVICE, torch.float32), ("cpu", torch.float64)):
        inputs = leaves(
            *(t.to(device) for t in (tensor((6, 4, 3, 3)), 1 + 0.1 * tensor((4,)), tensor((4,)))), dtype=dtype
        )
        y = ops.batch_norm_act(*inputs, None, None, activation="tanh")
        (gradient,) = torch.autograd.grad(y.square().sum(), inputs[0], create_graph=True)
        results.append(torch.autograd.grad(gradient.square().sum(), inputs))
    for got, want in zip(*results, strict=True):
        close(got.cpu(), want, torch.float32, factor=5)


def test_an_empty_batch_in_evaluation():
    statistics = running(8, torch.float32)
    for shape in ((0, 8), (0, 8, 4, 4), (2, 8, 0, 3)):
        x = torch.zeros(shape, device=DEVICE, requires_grad=True)
        weight = torch.ones(8, device=DEVICE, requires_grad=True)
        y = ops.batch_norm_act(x, weight, None, *statistics, False)
        assert y.shape == shape
        got = torch.autograd.grad(y.sum(), (x, weight))
        assert got[0].shape == shape
        assert torch.equal(got[1], torch.zeros_like(weight))


def test_a_direct_call_with_tensors_of_other_places_is_refused():
    x, there = torch.randn(8, 4, device=DEVICE), torch.ones(4)
    none = (None, None, None)
    for arguments in ((x, there, *none), (x, None, there, None, None), (x, None, None, there, there)):
        with pytest.raises((RuntimeError, ValueError), match="device"):
            torch.ops.zoo.batch_norm_act_forward(*arguments, True, 0.1, 1e-5, 0, 0.0, 0, 1)
