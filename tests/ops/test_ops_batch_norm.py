"""batch_norm_act: against plain torch modules in float64, with gradients of every order."""

from __future__ import annotations

import pytest
import torch
from op_cases import ACTIVATIONS, DTYPES, LAYOUTS, ORDERS, close, gradients, image, leaves, tensor
from torch import nn

from zoo import ops
from zoo.ops import library, reference


def plain(x, weight, bias, running_mean, running_var, training, activation, slope, order, groups):
    """The same in torch modules, one pass per group."""
    channels = x.shape[1]
    norm = (nn.BatchNorm2d if x.dim() == 4 else nn.BatchNorm1d)(channels, dtype=x.dtype).train(training)
    norm.running_mean, norm.running_var = running_mean, running_var
    del norm.weight, norm.bias
    norm.weight, norm.bias = weight, bias
    act = {
        "identity": nn.Identity(),
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(slope),
        "tanh": nn.Tanh(),
    }[activation]
    both = nn.Sequential(norm, act) if order == "norm_act" else nn.Sequential(act, norm)
    return torch.cat([both(part) for part in x.chunk(groups)])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("module", [ops, reference], ids=["kernels", "reference"])
def test_equals_plain_torch_modules_in_float64(dtype, layout, training, module):
    for activation, slope in ACTIVATIONS:
        for order in ORDERS:
            for groups, affine in ((1, True), (3, False), (3, True)):
                x = image(layout, dtype)
                channels = x.shape[1]
                weight, bias = (1 + 0.3 * tensor((channels,), dtype), tensor((channels,), dtype, 1))
                if not affine:
                    weight = bias = None
                statistics_dtype = torch.float64 if dtype == torch.float64 else torch.float32
                running = [tensor((channels,), statistics_dtype, 2), tensor((channels,), statistics_dtype, 3).exp()]
                expected_running = [t.double() for t in running]
                options = {"activation": activation, "slope": slope, "order": order, "groups": groups}

                inputs = leaves(x, weight, bias)
                y = module.batch_norm_act(*inputs, *running, training, **options)
                wide = leaves(x, weight, bias, dtype=torch.float64)
                expected = plain(*wide, *expected_running, training, **options)

                what = f"{activation} {slope} {order} groups={groups} affine={affine}"
                assert y.dtype == dtype, what
                close(y, expected, dtype, what=what)
                for ours, theirs in zip(running, expected_running, strict=True):
                    close(ours, theirs, statistics_dtype, what=f"running statistics, {what}")
                results = gradients(y, inputs, dtype=dtype)
                wanted = gradients(expected, wide, dtype=dtype)
                for name, got, want in zip(("x", "weight", "bias"), results, wanted, strict=False):
                    close(got, want, dtype, factor=3, what=f"gradient of {name}, {what}")


def test_layout_of_the_result_follows_the_input():
    x = image("channels_last", torch.float32)
    y = ops.batch_norm_act(x, None, None, None, None)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert ops.batch_norm_act(image("contiguous", torch.float32), None, None, None, None).is_contiguous()
    (gradient,) = torch.autograd.grad(ops.batch_norm_act(x.requires_grad_(), None, None, None, None).square().sum(), x)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("activation", "slope"), ACTIVATIONS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_gradients_of_first_and_second_order_in_float64(activation, slope, order, training):
    for shape, groups in (((4, 3), 2), ((4, 3, 2, 2), 1), ((4, 3, 2, 2), 2)):
        x, weight, bias = leaves(
            tensor(shape, torch.float64), tensor((3,), torch.float64), tensor((3,), torch.float64, 4)
        )

        def call(x, weight, bias, groups=groups):
            running = torch.full((3,), 0.1, dtype=torch.float64), torch.full((3,), 1.3, dtype=torch.float64)
            return ops.batch_norm_act(
                x, weight, bias, *running, training, activation=activation, slope=slope, order=order, groups=groups
            )

        assert torch.autograd.gradcheck(call, (x, weight, bias), fast_mode=True)
        assert torch.autograd.gradgradcheck(call, (x, weight, bias), fast_mode=True)
        assert torch.autograd.gradcheck(lambda x, c=call: c(x, None, None), (x,), fast_mode=True)


def test_a_gradient_penalty_reaches_the_parameters():
    x, weight, bias = leaves(tensor((6, 4, 3, 3)), 1 + 0.1 * tensor((4,)), tensor((4,)))
    wide = leaves(x, weight, bias, dtype=torch.float64)
    results = []
    for module, inputs in ((ops, [x, weight, bias]), (reference, wide)):
        y = module.batch_norm_act(*inputs, None, None, activation="tanh")
        (gradient,) = torch.autograd.grad(y.square().sum(), inputs[0], create_graph=True)
        results.append(torch.autograd.grad(gradient.square().sum(), inputs))
    for got, want in zip(*results, strict=True):
        close(got, want, torch.float32, factor=5)


@pytest.mark.parametrize("layout", ["rows", "contiguous", "channels_last"])
def test_statistics_survive_a_mean_of_ten_thousand_deviations(layout):
    x = (image(layout, torch.float64, batch=64) + 2e4).float()
    mean, var = torch.zeros(x.shape[1]), torch.zeros(x.shape[1])
    ops.batch_norm_act(x, None, None, mean, var, momentum=1.0)
    dims = [d for d in range(x.dim()) if d != 1]
    # torch's own sums, behind the reference, drift a little in channels_last.
    precision = 1e-7 if "cpu" in library._native else 1e-5
    torch.testing.assert_close(mean.double(), x.double().mean(dims), rtol=precision, atol=0)
    torch.testing.assert_close(var.double(), x.double().var(dims), rtol=1000 * precision, atol=0)


@pytest.mark.parametrize("layout", ["rows", "contiguous", "channels_last"])
def test_statistics_survive_a_drift_along_the_batch(layout):
    """A batch whose parts lie far apart, and one whose first image is an outlier."""
    for shift in (torch.linspace(0, 1e4, 64), torch.cat([torch.full((1,), 1e4), torch.zeros(63)])):
        x = image(layout, torch.float32, batch=64)
        x = x + shift.repeat_interleave(len(x) // 64).view(-1, *[1] * (x.dim() - 1))
        mean, var = torch.zeros(x.shape[1]), torch.zeros(x.shape[1])
        ops.batch_norm_act(x, None, None, mean, var, momentum=1.0)
        dims = [d for d in range(x.dim()) if d != 1]
        error = (mean.double() - x.double().mean(dims)).abs() / x.double().std(dims)
        assert float(error.max()) < 1e-5
        torch.testing.assert_close(var.double(), x.double().var(dims), rtol=1e-4, atol=0)


@pytest.mark.parametrize("layout", ["rows", "contiguous", "channels_last"])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_infinities_and_nan_propagate_as_in_the_reference(layout, value):
    for activation, slope in ACTIVATIONS:
        for order in ORDERS:
            x = image(layout, torch.float32)
            x[1, 3] = value
            x[2, 5] = float("nan")
            results = []
            for module in (ops, reference):
                (leaf,) = leaves(x)
                y = module.batch_norm_act(leaf, None, None, None, None, activation=activation, slope=slope, order=order)
                results.append((y.detach(), *gradients(y, [leaf])))
            for got, want in zip(*results, strict=True):
                assert torch.equal(got.isnan(), want.isnan()), (activation, order)
                close(got, want, torch.float32, factor=3, what=f"{activation} {order}")


def test_sixteen_bit_input_takes_float32_parameters_and_keeps_its_dtype():
    for dtype in (torch.bfloat16, torch.float16):
        x = image("channels_last", dtype)
        weight, bias = 1 + 0.1 * tensor((19,)), tensor((19,))
        inputs, wide = leaves(x, weight, bias), leaves(x, weight, bias, dtype=torch.float64)
        y, expected = (
            m.batch_norm_act(*i, None, None, activation="tanh") for m, i in ((ops, inputs), (reference, wide))
        )
        assert y.dtype == dtype
        close(y, expected, dtype)
        for leaf, got, want in zip(
            inputs, gradients(y, inputs, dtype=dtype), gradients(expected, wide, dtype=dtype), strict=False
        ):
            assert got.dtype == leaf.dtype
            close(got, want, dtype, factor=3)


def test_autocast_leaves_the_dtype_alone():
    x = image("rows", torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert ops.batch_norm_act(x, None, None, None, None).dtype == torch.float32
        assert ops.batch_norm_act(x.bfloat16(), None, None, None, None).dtype == torch.bfloat16


def test_results_are_the_same_run_to_run():
    x = image("channels_last", torch.float32, batch=64)
    runs = []
    for _ in range(3):
        (leaf,) = leaves(x)
        y = ops.batch_norm_act(leaf, None, None, None, None, activation="leaky_relu", slope=0.2)
        runs.append((y, *gradients(y, [leaf])))
    for other in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(runs[0], other, strict=True))


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("channels", [32, 33])
def test_results_are_the_same_on_any_number_of_threads(layout, channels):
    """Larger than 4 MiB, too, from where on results go around the caches."""
    shape = (33, channels, 36, 36)
    x = tensor(shape)
    x = x.contiguous(memory_format=torch.channels_last) if layout == "channels_last" else x
    runs = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            inputs = leaves(x, 1 + 0.1 * tensor((channels,)), tensor((channels,)))
            y = ops.batch_norm_act(*inputs, None, None, activation="leaky_relu", slope=0.2, groups=3)
            runs.append((y, *torch.autograd.grad(y, inputs, x)))
        finally:
            torch.set_num_threads(1)
    if "cpu" in library._native:
        assert all(torch.equal(a, b) for other in runs[1:] for a, b in zip(runs[0], other, strict=True))
    wide = leaves(x, 1 + 0.1 * tensor((channels,)), tensor((channels,)), dtype=torch.float64)
    y = reference.batch_norm_act(*wide, None, None, activation="leaky_relu", slope=0.2, groups=3)
    for got, want in zip(runs[-1], (y, *torch.autograd.grad(y, wide, x.double())), strict=True):
        close(got, want, torch.float32)


def test_a_graph_notices_that_running_statistics_were_updated():
    mean, var = torch.zeros(19), torch.ones(19)
    before = mean._version
    ops.batch_norm_act(image("rows", torch.float32), None, None, mean, var)
    assert mean._version > before
    assert var._version > 0


def test_backward_keeps_no_second_full_size_tensor():
    kept = []
    x = image("channels_last", torch.float32, batch=16).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        ops.batch_norm_act(x, None, None, None, None, activation="leaky_relu", slope=0.2)
    assert sum(t.numel() for t in kept) <= x.numel() + 4 * x.shape[1]
    assert [t.data_ptr() for t in kept if t.numel() == x.numel()] == [x.data_ptr()]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": torch.zeros(2, 3, 4)}, ValueError, ["(2, 3, 4)", "(N, C)"]),
        ({"x": torch.zeros(4, 3), "weight": torch.ones(5)}, ValueError, ["(5,)", "(4, 3)", "3 channels"]),
        ({"x": torch.zeros(4, 3), "bias": torch.ones(1, 3)}, ValueError, ["(1, 3)", "(4, 3)"]),
        ({"x": torch.zeros(4, 3), "running_mean": torch.ones(2)}, ValueError, ["running_mean", "(2,)", "(4, 3)"]),
        ({"x": torch.zeros(4, 3), "running_mean": torch.ones(3)}, ValueError, ["come together"]),
        ({"x": torch.zeros(4, 3, dtype=torch.int64)}, TypeError, ["int64", "float32"]),
        ({"x": torch.zeros(4, 3, dtype=torch.complex64)}, TypeError, ["complex64"]),
        ({"x": torch.zeros(4, 3), "weight": torch.ones(3, dtype=torch.float64)}, TypeError, ["float64", "(4, 3)"]),
        ({"x": torch.zeros(4, 3, dtype=torch.float64), "weight": torch.ones(3)}, TypeError, ["float64", "float32"]),
        ({"x": torch.zeros(4, 3), "weight": torch.ones(3, device="meta")}, ValueError, ["meta", "cpu"]),
        ({"x": torch.zeros(0, 3, 4, 4)}, ValueError, ["(0, 3, 4, 4)"]),
        ({"x": torch.zeros(4, 0)}, ValueError, ["(4, 0)"]),
        ({"x": torch.zeros(1, 3)}, ValueError, ["more than 1 value per channel", "(1, 3)"]),
        ({"x": torch.zeros(4, 3), "groups": 4}, ValueError, ["more than 1 value per channel", "groups=4"]),
        ({"x": torch.zeros(4, 3), "groups": 3}, ValueError, ["groups=3", "(4, 3)"]),
        ({"x": torch.zeros(4, 3), "groups": 0}, ValueError, ["groups=0"]),
        ({"x": torch.zeros(4, 3), "training": False}, ValueError, ["evaluation"]),
        ({"x": torch.zeros(4, 3), "eps": -1.0}, ValueError, ["eps"]),
        ({"x": torch.zeros(4, 3), "activation": "leakyrelu"}, ValueError, ["'leaky_relu'"]),
        ({"x": torch.zeros(4, 3), "activation": "leaky_relu", "slope": -0.1}, ValueError, ["slope"]),
        ({"x": torch.zeros(4, 3), "order": "actnorm"}, ValueError, ["'act_norm'"]),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(arguments, error, words):
    call = {"weight": None, "bias": None, "running_mean": None, "running_var": None} | arguments
    with pytest.raises(error) as caught:
        ops.batch_norm_act(**call)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("strides", [(8, 2, 1, 1), (8, 1, 4, 1), (8, 1, 4, 8), (8, 1, 4, 192)])
def test_reference_takes_gradients_of_images_one_pixel_wide_in_any_strides(strides: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(24, 4, 2, 1, dtype=torch.float64, generator=generator) for _ in range(2))
    strided = torch.empty(24 * 4 * 2 + 192, dtype=torch.float64).as_strided(x.shape, strides).copy_(gradient)
    leaf = x.requires_grad_()
    y = reference.batch_norm_act(leaf, None, None, None, None)
    deviation = x.detach() - x.detach().mean((0, 2, 3), keepdim=True)
    variance = deviation.square().mean((0, 2, 3), keepdim=True)
    invstd = (variance + 1e-5).rsqrt()
    normalised = deviation * invstd
    projected = (gradient * normalised).mean((0, 2, 3), keepdim=True)
    expected = invstd * (gradient - gradient.mean((0, 2, 3), keepdim=True) - normalised * projected)
    torch.testing.assert_close(torch.autograd.grad(y, leaf, strided)[0], expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(1, 7), (1, 17), (3, 5), (5, 5), (7, 7), (14, 14)], ids=str)
def test_planes_of_any_size_and_what_lies_beyond_them(size: tuple[int, int]) -> None:
    """A NaN of one channel reaches no other, whose last vector reaches back into its own channel and never further."""
    x = torch.randn(4, 3, *size, generator=torch.Generator().manual_seed(0))
    x[1, 1, -1, -1] = torch.nan
    y = ops.batch_norm_act(x, None, None, None, None)
    expected = reference.batch_norm_act(x, None, None, None, None)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    assert y.isnan().any((0, 2, 3)).tolist() == [False, True, False]


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels_last"])
def test_an_empty_batch_in_evaluation_has_gradients_of_zero(last):
    """Whatever the kernels' memory holds from before: a large batch has just left its sums there."""
    for _ in range(5):
        for count in (64, 0):
            x = torch.randn(count, 8, 3, 3)
            x = (x.contiguous(memory_format=torch.channels_last) if last else x).requires_grad_()
            weight, bias = torch.ones(8, requires_grad=True), torch.ones(8, requires_grad=True)
            y = ops.batch_norm_act(x, weight, bias, torch.zeros(8), torch.ones(8), False)
            gradients = torch.autograd.grad(y.square().sum() + 0 * weight.sum(), (weight, bias))
            assert count or all(not bool(each.any()) for each in gradients)
