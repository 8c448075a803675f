"""conv2d and conv_transpose2d: against torch in float64, in every direction and order of derivatives."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from op_cases import gradients, leaves, tensor
from torch._dynamo.backends.debugging import aot_eager
from torch.autograd import forward_ad

from zoo import ops
from zoo.ops import library, reference
from zoo.ops.families import convolution_gradients, convolution_heuristics
from zoo.ops.layout import as_channels_last

LAST = torch.channels_last
BUILT = "cpu" in library._native
# (batch, channels, height, width), channels of the result, kernel, stride, padding
SHAPES = [
    ((3, 16, 8, 8), 16, 4, 2, 1),
    ((1, 64, 16, 16), 32, 4, 2, 1),
    ((2, 32, 9, 7), 48, 4, 2, 1),
    ((2, 33, 10, 5), 70, 4, 2, 1),
    ((2, 20, 6, 8), 17, 4, 2, 0),
    ((2, 16, 3, 2), 32, 4, 2, 2),
    ((2, 130, 4, 4), 300, 4, 2, 1),
    ((40, 16, 14, 14), 32, 4, 2, 1),
    ((1, 512, 4, 4), 16, 4, 2, 1),
    ((2, 64, 7, 7), 32, 3, 2, 1),
    ((3, 17, 8, 9), 40, 3, 2, 0),
    ((2, 32, 14, 11), 16, 5, 2, 2),
    ((2, 24, 9, 10), 33, 5, 2, 1),
    ((2, 16, 9, 8), 48, 3, 1, 1),
    ((1, 40, 5, 12), 16, 3, 1, 0),
    ((3, 3, 12, 9), 64, 4, 2, 1),
    ((9, 1, 28, 28), 32, 4, 2, 1),
    ((2, 3, 5, 6), 48, 4, 2, 2),
    ((2, 4, 8, 7), 16, 3, 2, 1),
    ((2, 2, 9, 11), 32, 5, 2, 2),
    ((2, 3, 9, 8), 16, 3, 1, 1),
    ((2, 3, 8, 8), 24, 4, 2, 1),
]


def case(shape, outputs, kernel, stride, padding, layout=LAST):
    """x, weight and a gradient of the result."""
    x = as_channels_last(tensor(shape))
    weight = tensor((outputs, shape[1], kernel, kernel), seed=1) / (shape[1] * kernel * kernel) ** 0.5
    y = tensor(tuple(F.conv2d(x, weight, None, stride, padding).shape), seed=2)
    return x, weight.contiguous(memory_format=layout), as_channels_last(y)


def results(call, x, weight, upstream, dtype):
    """The result and both gradients of `call`, computed in `dtype`."""
    inputs = leaves(x, weight, dtype=dtype)
    y = call(*inputs)
    return [y.detach(), *torch.autograd.grad(y, inputs, upstream.to(dtype))]


def error(ours, theirs):
    ours, theirs = ours.detach().double(), theirs.detach()
    return float((ours - theirs).norm() / theirs.norm())


@pytest.fixture
def everything_pays(monkeypatch):
    """Our kernels compute whatever they know, the shapes for which torch is faster as well."""
    monkeypatch.setattr(convolution_heuristics, "pays", lambda direction, *g: convolution_heuristics.known(*g))
    monkeypatch.setattr(convolution_gradients, "pays", lambda direction, *g: convolution_heuristics.known(*g))


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format], ids=["weight channels_last", "weight contiguous"])
@pytest.mark.parametrize(("shape", "outputs", "kernel", "stride", "padding"), SHAPES)
def test_equal_torch_in_float64(shape, outputs, kernel, stride, padding, layout):
    x, weight, y = case(shape, outputs, kernel, stride, padding, layout)
    height, width = ((n - 1) * stride - 2 * padding + kernel for n in y.shape[2:])
    transposed_upstream = tensor((shape[0], shape[1], height, width), seed=3).contiguous(memory_format=LAST)
    for name, image, upstream in (("conv2d", x, y), ("conv_transpose2d", y, transposed_upstream)):

        def ours(a, w, name=name):
            return getattr(ops, name)(a, w, stride, padding)

        def theirs(a, w, name=name):
            return getattr(reference, name)(a, w, stride, padding)

        got = results(ours, image, weight, upstream, torch.float32)
        want = results(theirs, image, weight, upstream, torch.float64)
        for what, a, b in zip(("result", "gradient of x", "gradient of weight"), got, want, strict=True):
            assert a.shape == b.shape, (name, what)
            assert error(a, b) < 2e-6, (name, what)
        assert got[0].is_contiguous(memory_format=LAST)
        assert got[1].is_contiguous(memory_format=LAST)
        assert got[2].stride() == weight.stride()
        with torch.no_grad():
            assert torch.equal(ours(image, weight), got[0])


LAYERS = [
    ((8, 64, 32, 32), 128, 4, 2, 1), ((16, 128, 16, 16), 256, 4, 2, 1), ((32, 256, 8, 8), 512, 4, 2, 1),
    ((32, 32, 14, 14), 64, 4, 2, 1), ((32, 64, 7, 7), 128, 3, 2, 1), ((16, 64, 14, 14), 128, 5, 2, 2),
    ((16, 64, 14, 14), 64, 3, 1, 1), ((8, 3, 64, 64), 64, 4, 2, 1), ((32, 1, 28, 28), 32, 4, 2, 1),
]  # fmt: skip
LARGE = [
    ((16, 24, 32, 32), 48, 4, 2, 1), ((16, 64, 32, 32), 128, 4, 2, 1), ((64, 128, 16, 16), 256, 4, 2, 1),
    ((64, 32, 14, 14), 64, 4, 2, 1), ((16, 64, 16, 16), 64, 3, 1, 1), ((64, 128, 8, 8), 128, 3, 1, 1),
    ((64, 32, 14, 14), 64, 5, 2, 2),
]  # fmt: skip
"""Layers whose result and gradient of x have four outputs to a tile."""


def directions(x, weight, y, stride, padding):
    """The kernels' own three directions."""
    kernels, last = torch.ops.zoo, not weight.is_contiguous()
    return [
        kernels.conv2d_forward(x, weight, stride, padding),
        kernels.conv_transpose2d_forward(y, weight, stride, padding, *x.shape[2:]),
        kernels.conv2d_weight_gradient(x, y, weight.shape[2], stride, padding, last),
    ]


def torch_directions(x, weight, y, stride, padding, dtype):
    return results(lambda x, w: F.conv2d(x, w, None, stride, padding), x, weight, y, dtype)


def errors(sizes):
    """Of each direction, relative to float64 in the 2-norm: ours, and torch's."""
    x, weight, y = case(*sizes)
    exact = torch_directions(x, weight, y, *sizes[3:], torch.float64)
    theirs = torch_directions(x, weight, y, *sizes[3:], torch.float32)
    return [
        (error(a, c), error(b, c)) for a, b, c in zip(directions(x, weight, y, *sizes[3:]), theirs, exact, strict=True)
    ]


def digests(sizes):
    """Of the results of each direction, on one thread and on three."""
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        made = directions(*case(*sizes), *sizes[3:])
        found.append([hashlib.sha256(t.contiguous().numpy()).hexdigest() for t in made])
    torch.set_num_threads(1)
    return found


def with_tiles(tiles, what, cases):
    """What the functions above find in a process that is asked for tiles of a size."""
    code = (
        "import json, sys, test_ops_convolution as t;"
        "print(json.dumps([getattr(t, sys.argv[1])([c[0], *c[1:]]) for c in json.loads(sys.argv[2])]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, what, json.dumps(cases)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ZOO_WINOGRAD": tiles, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_the_error_of_small_tiles_is_at_most_twice_that_of_torch():
    for sizes, found in zip(LAYERS, with_tiles("small", "errors", LAYERS), strict=True):
        assert all(ours < 2 * theirs for ours, theirs in found), (sizes, found)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
@pytest.mark.parametrize("sizes", LAYERS + LARGE)
def test_the_error_of_a_layer_is_below_2e_6_in_the_2_norm(sizes):
    assert max(ours for ours, _ in errors(sizes)) < 2e-6


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_results_that_go_around_the_caches_may_have_a_depth_that_no_vector_divides():
    # More than 4 MiB, with tiles over the edge: what these drop is stored in whole vectors too.
    for sizes in [((128, 24, 30, 30), 48, 4, 2, 1), ((128, 28, 30, 30), 56, 4, 2, 1)]:
        for tiles in ("small", "large"):
            (found,) = with_tiles(tiles, "errors", [sizes])
            assert all(ours < 2e-6 for ours, _ in found)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
@pytest.mark.parametrize("tiles", ["small", "large"])
def test_tiles_of_either_size_are_right_whatever_the_size_of_the_image(tiles):
    shapes = [sizes for sizes in SHAPES if sizes[0][1] > 4]
    for sizes, found in zip(shapes, with_tiles(tiles, "errors", shapes), strict=True):
        assert all(ours < 2e-6 for ours, _ in found), (sizes, found)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_larger_tiles_are_taken_where_they_pay_and_small_ones_can_be_asked_for():
    few, many = ((2, 64, 8, 8), 64, 4, 2, 1), ((16, 64, 32, 32), 64, 4, 2, 1)
    small, large, chosen = (with_tiles(tiles, "digests", [few, many]) for tiles in ("small", "large", ""))
    for one, three in (*small, *large, *chosen):
        assert one == three, "on any number of threads"
    assert all(a != b for a, b in zip(small[0][0] + small[1][0], large[0][0] + large[1][0], strict=True))
    assert chosen == [small[0], large[1]]


@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
@pytest.mark.parametrize(("kernel", "stride"), convolution_heuristics.KERNELS)
def test_gradients_of_first_and_second_order_in_float64(op, kernel, stride, monkeypatch):
    """Torch computes each direction here, ours ties them together."""
    monkeypatch.setattr(convolution_gradients, "pays", lambda direction, *geometry: False)
    x, weight = leaves(tensor((2, 3, 6, 5), torch.float64), tensor((3, 3, kernel, kernel), torch.float64, 1))
    size = () if op == "conv2d" else ((6 - 1) * stride - 2 + kernel, (5 - 1) * stride - 2 + kernel)

    def call(x, weight):
        return getattr(convolution_gradients, op)(x, weight, stride, 1, *size)

    assert type(call(x, weight).grad_fn).__name__.startswith("Convolution")
    assert torch.autograd.gradcheck(call, (x, weight), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x, weight), fast_mode=True)


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_gradients_of_gradients_of_gradients(op):
    x, weight, _ = case((2, 32, 8, 10), 32, 4, 2, 1)
    found = []
    for module, dtype in ((ops, torch.float32), (reference, torch.float64)):
        inputs = leaves(x, weight, dtype=dtype)
        order = [getattr(module, op)(*inputs, 2, 1)]
        for _ in range(3):
            order.append(sum(t.square().sum() for t in order[-1:]))
            order += [torch.cat([g.flatten() for g in torch.autograd.grad(order[-1], inputs, create_graph=True)]) / 30]
        found.append(order)
    for ours, theirs in zip(*found, strict=True):
        assert error(ours, theirs) < 1e-5


@pytest.mark.usefixtures("everything_pays")
def test_the_backward_stays_with_our_ops_when_it_is_differentiated():
    x, weight = leaves(*case((2, 16, 8, 8), 16, 4, 2, 1)[:2])
    y = ops.conv2d(x, weight, 2, 1)
    for gradient in torch.autograd.grad(y.square().sum(), (x, weight), create_graph=True):
        assert type(gradient.grad_fn).__name__.startswith("Convolution")


@pytest.mark.usefixtures("everything_pays")
def test_gradients_may_come_in_any_memory():
    x, weight, upstream = case((2, 16, 8, 8), 32, 4, 2, 1)
    want = results(lambda x, w: ops.conv2d(x, w, 2, 1), x, weight, upstream, torch.float32)
    expanded = torch.ones(1).expand(upstream.shape)
    for given in (upstream.contiguous(), upstream.transpose(2, 3).contiguous().transpose(2, 3)):
        got = results(lambda x, w: ops.conv2d(x, w, 2, 1), x, weight, given, torch.float32)
        assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))
    ones = results(lambda x, w: ops.conv2d(x, w, 2, 1), x, weight, expanded, torch.float32)
    exact = results(lambda x, w: reference.conv2d(x, w, 2, 1), x, weight, expanded, torch.float64)
    assert all(error(a, b) < 2e-6 for a, b in zip(ones, exact, strict=True))


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "stride", "padding"), SHAPES[2:6] + SHAPES[9:13] + SHAPES[15:20]
)
def test_nothing_outside_of_the_tensors_is_read(shape, outputs, kernel, stride, padding):
    """What lies before and behind them is NaN, which would come through."""

    def guarded(t):
        memory = torch.full((t.numel() + 2048,), float("nan"))
        inside = memory[1024:-1024].as_strided(t.shape, t.stride())
        return inside.copy_(t)

    x, weight, y = (guarded(t) for t in case(shape, outputs, kernel, stride, padding))
    for value in results(lambda x, w: ops.conv2d(x, w, stride, padding), x, weight, y, torch.float32):
        assert value.isfinite().all()


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize(
    "sizes", [((24, 32, 20, 20), 64, 4, 2, 1), ((64, 64, 4, 4), 160, 3, 2, 1), ((24, 3, 18, 18), 48, 4, 2, 1)]
)
def test_results_are_the_same_on_any_number_of_threads(sizes):
    x, weight, y = case(*sizes)
    up = reference.conv_transpose2d(y, weight, *sizes[3:])
    runs = []
    for threads in (1, 2, 3, 1):
        torch.set_num_threads(threads)
        try:
            runs.append(results(lambda x, w: ops.conv2d(x, w, *sizes[3:]), x, weight, y, torch.float32))
            runs[-1] += results(lambda y, w: ops.conv_transpose2d(y, w, *sizes[3:]), y, weight, up, torch.float32)
        finally:
            torch.set_num_threads(1)
    if BUILT:
        for run in runs[1:]:
            assert all(torch.equal(a, b) for a, b in zip(runs[0], run, strict=True))


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_no_gradient_is_computed_that_nobody_asks_for(op, monkeypatch):
    """In the generator's step D's weights require gradients, but backward(inputs=...) leaves them out."""
    calls = []
    for name in ("conv2d", "conv_transpose2d", "weight_gradient"):
        compute = getattr(convolution_gradients, name)
        monkeypatch.setattr(convolution_gradients, name, lambda *a, n=name, c=compute: calls.append(n) or c(*a))
    x, weight, y = case((2, 16, 8, 8), 16, 4, 2, 1)
    (a, upstream), back = ((x, y), "conv_transpose2d") if op == "conv2d" else ((y, x), "conv2d")
    a, w = leaves(a, weight)
    for asked, expected in (([a, w], {back, "weight_gradient"}), ([a], {back}), ([w], {"weight_gradient"})):
        z = getattr(ops, op)(a * 1, w, 2, 1)
        calls.clear()
        z.backward(upstream, inputs=asked)
        assert set(calls) == expected


def test_what_our_kernels_do_not_serve_is_torch_to_the_bit(monkeypatch):
    monkeypatch.setattr(library, "has_amx", lambda: False)  # bfloat16: tests/ops/test_ops_convolution_bfloat16.py
    x, weight, y = case((2, 32, 8, 8), 32, 4, 2, 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ops.conv2d(x, weight, 2, 1), F.conv2d(x, weight, None, 2, 1))
    for image in (x.contiguous(), x.transpose(2, 3).contiguous(), x.double(), x.bfloat16()):
        kernel = weight.to(image.dtype)
        assert torch.equal(ops.conv2d(image, kernel, 2, 1), F.conv2d(image, kernel, None, 2, 1))
        assert torch.equal(ops.conv2d(image, kernel, 1, 0), F.conv2d(image, kernel))
    few = y[:, :2].contiguous(memory_format=LAST)
    for stride, padding in ((1, 1), (2, 3), (3, 0)):
        small = tensor((2, 5, 7, 7))
        assert torch.equal(
            ops.conv_transpose2d(few, small, stride, padding), F.conv_transpose2d(few, small, None, stride, padding)
        )


def test_an_empty_batch_passes():
    x, weight = leaves(torch.zeros(0, 16, 8, 8).contiguous(memory_format=LAST), torch.ones(16, 16, 4, 4))
    y = ops.conv2d(x, weight, 2, 1)
    assert y.shape == (0, 16, 4, 4)
    y.sum().backward()
    assert not weight.grad.any()


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_a_call_by_name_refuses_what_it_does_not_know():
    x, weight, y = case((2, 16, 8, 8), 16, 4, 2, 1)
    for call, words in (
        (lambda: torch.ops.zoo.conv2d_forward(x, weight, 3, 1), "stride 3"),
        (lambda: torch.ops.zoo.conv2d_forward(x, weight, 2, 4), "padding is 4"),
        (lambda: torch.ops.zoo.conv2d_forward(x.double(), weight, 2, 1), "float32"),
        (lambda: torch.ops.zoo.conv2d_forward(x[:, :3], weight, 2, 1), "does not fit"),
        (lambda: torch.ops.zoo.conv2d_forward(x[:, :, :1, :1], weight, 2, 1), "do not go together"),
        (lambda: torch.ops.zoo.conv_transpose2d_forward(y, weight, 2, 1, 8, 6), "do not go together"),
        (lambda: torch.ops.zoo.conv_transpose2d_forward(y, weight, 2, 1, 11, 8), "do not go together"),
        (lambda: torch.ops.zoo.conv2d_weight_gradient(x, y[:1], 4, 2, 1, False), "number of images"),
        (lambda: torch.ops.zoo.conv2d_weight_gradient(x, y, 3, 1, 1, False), "do not go together"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()


@pytest.mark.parametrize(
    ("x", "weight", "problem", "words"),
    [
        (torch.zeros(3, 8, 8), torch.zeros(4, 3, 4, 4), ValueError, ["(3, 8, 8)", "four"]),
        (torch.zeros(1, 3, 8, 8), torch.zeros(4, 5, 4, 4), ValueError, ["(4, 5, 4, 4)", "(1, 3, 8, 8)"]),
        (torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 4, 4, dtype=torch.int32), TypeError, ["int32"]),
        (torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 4, 4).double(), TypeError, ["float64", "float32"]),
        (torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 4, 4, device="meta"), ValueError, ["meta", "cpu"]),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(x, weight, problem, words):
    with pytest.raises(problem) as caught:
        ops.conv2d(x, weight, 2, 1)
    for word in words:
        assert word in str(caught.value)


def test_the_rule_takes_only_what_the_kernels_know():
    good = convolution_heuristics.Geometry(64, 64, 32, 32, 128, 4, 4, 2, 1)
    assert all(convolution_heuristics.pays(direction, good) for direction in convolution_heuristics.DIRECTIONS)
    for change in (
        {"rows": 6, "columns": 6}, {"rows": 3}, {"stride": 3}, {"stride": 1}, {"padding": 4}, {"padding": -1},
        {"height": 1, "padding": 0}, {"batch": 0}, {"x_channels": 0},
    ):  # fmt: skip
        assert not convolution_heuristics.known(good._replace(**change)), change


def test_the_rule_asks_for_more_channels_where_torch_is_faster():
    few = convolution_heuristics.Geometry(64, 16, 14, 14, 16, 4, 4, 2, 1)
    assert {d for d in convolution_heuristics.DIRECTIONS if convolution_heuristics.pays(d, few)} == {"transposed"}
    assert not any(
        convolution_heuristics.pays(d, few._replace(x_channels=8)) for d in convolution_heuristics.DIRECTIONS
    )
    picture = few._replace(x_channels=3)
    assert all(convolution_heuristics.pays(d, picture) for d in convolution_heuristics.DIRECTIONS)
    assert not any(
        convolution_heuristics.pays(d, picture._replace(y_channels=24)) for d in convolution_heuristics.DIRECTIONS
    )
    assert not convolution_heuristics.pays("forward", picture._replace(rows=3, columns=3, stride=1))


def test_directions_of_one_convolution_may_be_served_by_either(monkeypatch):
    """Sixteen channels: the gradient of x is ours, the rest torch's."""
    calls = []
    for name in ("_forward", "_transposed", "_weight"):
        op = getattr(convolution_gradients, name)
        monkeypatch.setattr(convolution_gradients, name, lambda *a, n=name, c=op: calls.append(n) or c(*a))
    x, weight, y = case((4, 16, 14, 14), 16, 4, 2, 1)
    got = results(lambda x, w: ops.conv2d(x, w, 2, 1), x, weight, y, torch.float32)
    want = results(lambda x, w: reference.conv2d(x, w, 2, 1), x, weight, y, torch.float64)
    assert calls == ["_transposed"]
    for a, b in zip(got, want, strict=True):
        assert error(a, b) < 2e-6
        assert a.is_contiguous(memory_format=LAST)


def test_zoo_native_0_is_torch_to_the_bit():
    code = (
        "import torch, zoo.ops as o\n"
        "x = torch.randn(2, 32, 8, 8).contiguous(memory_format=torch.channels_last); w = torch.randn(32, 32, 4, 4)\n"
        "assert torch.equal(o.conv2d(x, w, 2, 1), torch.nn.functional.conv2d(x, w, None, 2, 1))\n"
        "assert o.status()['conv2d']['cpu']['served_by'] == 'reference'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "ZOO_NATIVE": "0"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_transposed_convolution_is_the_adjoint():
    x, weight, y = case((2, 32, 8, 8), 48, 4, 2, 1)
    forward = (ops.conv2d(x, weight, 2, 1).double() * y).sum()
    backward = (ops.conv_transpose2d(y, weight, 2, 1).double() * x).sum()
    torch.testing.assert_close(forward, backward, rtol=1e-5, atol=1e-3)


def test_gradients_reach_a_module_in_float32():
    x, weight, _ = case((4, 16, 8, 8), 16, 4, 2, 1)
    inputs, wide = leaves(x, weight), leaves(x, weight, dtype=torch.float64)
    ours, theirs = ops.conv2d(*inputs, 2, 1).tanh(), reference.conv2d(*wide, 2, 1).tanh()
    for got, want in zip(gradients(ours, inputs), gradients(theirs, wide), strict=True):
        assert error(got, want) < 2e-6


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode
@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_a_graph_made_before_is_differentiated_forwards_inside_a_dual_level(op):
    x, weight, y = case((2, 16, 8, 8), 16, 4, 2, 1)
    image, upstream = (x, y) if op == "conv2d" else (y, x)

    def tangents(module):
        inputs = leaves(image, weight)
        result = getattr(module, op)(*inputs, 2, 1)
        with forward_ad.dual_level():
            given = torch.autograd.grad(result, inputs, forward_ad.make_dual(upstream, upstream.flip(0)))
            return [forward_ad.unpack_dual(g).tangent for g in given]

    for ours, theirs in zip(tangents(ops), tangents(reference), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("everything_pays")
def test_a_compiled_graph_keeps_our_ops_and_their_gradients():
    x, weight, _ = case((2, 16, 8, 8), 16, 4, 2, 1)
    seen = []

    def backend(graph, inputs):
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return aot_eager(graph, inputs)

    def call(x, weight):
        return ops.conv_transpose2d(ops.conv2d(x, weight, 2, 1), weight, 2, 1)

    found = []
    for run in (call, torch.compile(call, fullgraph=True, backend=backend)):
        inputs = leaves(x, weight)
        found.append(torch.autograd.grad(run(*inputs).square().sum(), inputs))
    assert "zoo.conv2d_forward" in seen
    assert "zoo.conv_transpose2d_forward" in seen
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
@pytest.mark.parametrize("kernel_layout", [LAST, torch.contiguous_format])
def test_a_kernel_as_large_as_the_image_is_one_product(layout, kernel_layout):
    """D's last layer and G's first."""
    x = tensor((3, 5, 4, 3)).contiguous(memory_format=layout)
    weight = tensor((2, 5, 4, 3), seed=1).contiguous(memory_format=kernel_layout)
    y = tensor((3, 2, 1, 1), seed=2)
    for name, image, upstream in (("conv2d", x, y), ("conv_transpose2d", y, x)):
        got = results(getattr(ops, name), image, weight, upstream, torch.float32)
        want = results(getattr(reference, name), image, weight, upstream, torch.float64)
        for a, b in zip(got, want, strict=True):
            assert a.shape == b.shape
            assert error(a, b) < 1e-6
    assert got[0].is_contiguous(memory_format=kernel_layout)
    assert ops.conv_transpose2d(y[:0], weight).shape == (0, 5, 4, 3)
    inputs = leaves(x, weight, dtype=torch.float64)
    assert torch.autograd.gradgradcheck(ops.conv2d, inputs, fast_mode=True)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_weights_without_a_channel_are_refused_in_a_call_by_name():
    with pytest.raises(RuntimeError, match=r"conv2d: weight has shape .* without a channel"):
        torch.ops.zoo.conv2d_forward(torch.randn(4, 32, 8, 8), torch.randn(0, 32, 4, 4), 2, 1)


@pytest.mark.usefixtures("everything_pays")
@pytest.mark.parametrize(("kernel", "stride"), convolution_heuristics.KERNELS)
def test_single_images_are_as_near_to_float64_as_one_can_ask(kernel, stride):
    x, weight, y = case((1, 64, 16, 16), 64, kernel, stride, 1)
    got = results(lambda a, w: ops.conv2d(a, w, stride, 1), x, weight, y, torch.float32)
    want = results(lambda a, w: reference.conv2d(a, w, stride, 1), x, weight, y, torch.float64)
    assert all(error(a, b) < 2e-6 for a, b in zip(got, want, strict=True))


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "stride", "padding", "groups"),
    [
        ((3, 32, 8, 8), 32, 3, 1, 1, 2),
        ((2, 64, 5, 7), 64, 3, 1, 1, 4),
        ((2, 64, 4, 4), 128, 3, 1, 1, 2),
        ((17, 48, 4, 4), 48, 3, 1, 1, 3),
        ((2, 32, 9, 6), 64, 3, 1, 0, 4),
        ((2, 12, 6, 6), 12, 3, 1, 1, 12),
        ((2, 12, 6, 6), 24, 3, 2, 1, 12),
        ((2, 64, 6, 6), 64, 4, 2, 1, 2),
        ((2, 20, 6, 6), 15, 1, 1, 0, 5),
        ((2, 32, 16, 18), 32, 3, 1, 1, 1),
    ],
)
def test_groups_of_channels_are_convolutions_side_by_side(shape, outputs, kernel, stride, padding, groups, layout):
    x = tensor(shape).contiguous(memory_format=layout)
    weight = tensor((outputs, shape[1] // groups, kernel, kernel), seed=1) / (shape[1] // groups) ** 0.5 / kernel
    weight = weight.contiguous(memory_format=layout)
    upstream = tensor(tuple(F.conv2d(x, weight, None, stride, padding, 1, groups).shape), seed=2)
    got = results(lambda x, w: ops.conv2d(x, w, stride, padding, groups), x, weight, upstream, torch.float32)
    want = results(lambda x, w: reference.conv2d(x, w, stride, padding, groups), x, weight, upstream, torch.float64)
    for what, a, b in zip(("result", "gradient of x", "gradient of weight"), got, want, strict=True):
        assert a.shape == b.shape
        assert error(a, b) < 2e-6, what
    assert got[0].is_contiguous(memory_format=layout)
    apart = [
        reference.conv2d(*parts, stride, padding)
        for parts in zip(x.chunk(groups, 1), weight.chunk(groups), strict=True)
    ]
    torch.testing.assert_close(got[0], torch.cat(apart, 1))


def third_order(call, *inputs):
    """The result, and three times the gradient of its squares."""
    values = [call(*inputs)]
    for _ in range(3):
        gradient = torch.autograd.grad(values[-1].square().sum(), inputs, create_graph=True)
        values.append(torch.cat([g.flatten() for g in gradient]) / 30)
    return values


@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "padding", "groups"),
    [((8, 64, 16, 16), 128, 1, 0, 1), ((2, 64, 8, 8), 64, 3, 1, 2), ((3, 32, 8, 8), 32, 3, 1, 2)],
)
def test_derivatives_of_third_order_of_products_and_groups(shape, outputs, kernel, padding, groups):
    x = as_channels_last(tensor(shape))
    weight = tensor((outputs, shape[1] // groups, kernel, kernel), seed=1) / (shape[1] // groups) ** 0.5 / kernel
    found = []
    for module, dtype in ((ops, torch.float32), (reference, torch.float64)):
        inputs = leaves(x, weight, dtype=dtype)
        found.append(third_order(lambda x, w, m=module: m.conv2d(x, w, 1, padding, groups), *inputs))
    for ours, theirs in zip(*found, strict=True):
        assert error(ours, theirs) < 1e-5


@pytest.mark.parametrize("weight_layout", [LAST, torch.contiguous_format])
@pytest.mark.parametrize(
    ("shape", "outputs"), [((8, 64, 16, 16), 130), ((5, 33, 23, 17), 40), ((2, 3, 4, 4), 8), ((2, 16, 50, 50), 24)]
)
def test_a_convolution_of_single_pixels_is_a_product(shape, outputs, weight_layout):
    x, weight, upstream = case(shape, outputs, 1, 1, 0, weight_layout)
    got = results(ops.conv2d, x, weight, upstream, torch.float32)
    want = results(reference.conv2d, x, weight, upstream, torch.float64)
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        assert error(a, b) < 1e-6
    assert got[0].is_contiguous(memory_format=LAST)
    assert got[1].is_contiguous(memory_format=LAST)
    geometry = convolution_heuristics.Geometry.of_conv2d(x, weight, 1, 0)
    assert convolution_heuristics.pixel_by_pixel(x, weight, geometry) == (shape[0] > 2), (
        "neither a small one nor a large one"
    )
    assert not convolution_heuristics.pixel_by_pixel(x.contiguous(), weight, geometry)
    assert not convolution_heuristics.pixel_by_pixel(x.double(), weight.double(), geometry)


@pytest.mark.parametrize(
    ("weight", "groups", "words"),
    [
        (torch.zeros(4, 2, 3, 3), 3, "groups=3 does not divide the 4 channels"),
        (torch.zeros(4, 2, 3, 3), 0, "groups=0"),
        (torch.zeros(4, 6, 3, 3), 2, "dimension 1 of weight times 2 needs to be 6"),
    ],
)
def test_groups_that_do_not_fit_are_refused(weight, groups, words):
    with pytest.raises(ValueError, match=words):
        ops.conv2d(torch.zeros(2, 6, 5, 5), weight, groups=groups)
