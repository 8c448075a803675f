"""Convolutions of images in bfloat16: by AMX where this processor has it, by vectors where not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from op_cases import leaves, tensor

from zoo import ops
from zoo.ops import library
from zoo.ops.families import convolution_heuristics
from zoo.ops.layout import as_channels_last

LAST = torch.channels_last
KERNELS = torch.ops.zoo
needs_library = pytest.mark.skipif("cpu" not in library._native, reason="the CPU library is not built")
# kernel, stride, padding
GEOMETRIES = [(4, 2, 1), (3, 1, 1), (5, 2, 2), (3, 2, 0), (1, 1, 0), (2, 2, 0), (5, 1, 2), (4, 1, 3), (7, 3, 2)]
# batch, channels of x, height, width, channels of y
SIZES = [
    (4, 3, 16, 16, 64),
    (3, 32, 9, 12, 48),
    (2, 64, 8, 8, 3),
    (2, 40, 13, 7, 33),
    (9, 256, 7, 7, 64),
    (2, 1, 8, 9, 1),
    (2, 64, 20, 39, 40),  # lines of results that fill tiles, and more
    (3, 40, 33, 16, 24),  # and channels that do not
    (1, 32, 5, 300, 32),  # more tiles than are computed at once
]
ROUNDING = 1.1 * 2**-9
"""Of a number that is stored in bfloat16, relative, and a little for the sum before."""


def rounded(shape, seed=0):
    """Channels last, in bfloat16."""
    return as_channels_last(tensor(shape, seed=seed)).bfloat16()


def error(ours, exact):
    """Relative to float64, of all numbers together."""
    return float((ours.detach().double() - exact.detach()).norm() / exact.detach().norm())


def errors(geometry, size, weights, layout):
    """Of the three directions, from images and weights that bfloat16 holds."""
    kernel, stride, padding = geometry
    batch, channels, height, width, outputs = size
    x = rounded((batch, channels, height, width))
    weight = tensor((outputs, channels, kernel, kernel), seed=1) / (channels * kernel * kernel) ** 0.5
    weight = weight.bfloat16().to(weights).contiguous(memory_format=layout)
    exact_x, exact_weight = leaves(x, weight, dtype=torch.float64)
    exact = F.conv2d(exact_x, exact_weight, None, stride, padding)
    gradient = rounded(tuple(exact.shape), seed=2)
    dx, dweight = torch.autograd.grad(exact, [exact_x, exact_weight], gradient.double())
    ours = KERNELS.conv2d_forward(x, weight, stride, padding)
    back = KERNELS.conv_transpose2d_forward(gradient, weight, stride, padding, height, width)
    own = KERNELS.conv2d_weight_gradient(x, gradient, kernel, stride, padding, layout == LAST)
    assert (ours.dtype, back.dtype, own.dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
    fake = torch.empty_like(weight, dtype=torch.float32, memory_format=layout)
    assert own.stride() == fake.stride()
    return error(ours, exact), error(back, dx), error(own, dweight)


def runs(instruction_set):
    """Whether this processor has the instructions."""
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        instruction_set == "baseline"
        or capability in {"avx2": ("AVX2", "AVX512"), "avx512": ("AVX512",)}[instruction_set]
    )


@needs_library
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_every_direction_is_the_exact_one_but_for_the_rounding_of_what_is_stored(geometry, size):
    for weights in (torch.float32, torch.bfloat16):
        for layout in (LAST, torch.contiguous_format):
            forward, transposed, weight = errors(geometry, size, weights, layout)
            assert max(forward, transposed) < ROUNDING
            assert weight < 1e-6  # its sums are float32, and stored in it


@needs_library
@pytest.mark.parametrize("instruction_set", ["baseline", "avx2", "avx512"])
def test_the_vectors_of_every_instruction_set_are_as_near(instruction_set):
    """Where the processor has no AMX, or ZOO_CPU asks for its vectors."""
    if instruction_set not in library.build_record()["instruction_sets"] or not runs(instruction_set):
        pytest.skip(f"{instruction_set} is not built, or not for this processor")
    code = (
        "import torch; from zoo.ops import library; from test_ops_convolution_bfloat16 import *;"
        f"assert library.instruction_set() == {instruction_set!r}; assert not library.has_amx();"
        "found = [errors(g, s, torch.float32, LAST) for g in GEOMETRIES for s in SIZES];"
        "assert all(max(f, t) < ROUNDING and w < 1e-6 for f, t, w in found), found"
    )
    here = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "ZOO_CPU": instruction_set, "PYTHONPATH": os.pathsep.join(here)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_library
def test_weights_in_float32_are_rounded_to_nearest():
    x, weight = rounded((2, 33, 8, 8)), tensor((40, 33, 3, 3), seed=1)
    for layout in (LAST, torch.contiguous_format):
        given = weight.contiguous(memory_format=layout)
        assert torch.equal(KERNELS.conv2d_forward(x, given, 1, 1), KERNELS.conv2d_forward(x, given.bfloat16(), 1, 1))
    y = rounded((2, 40, 4, 4), seed=2)
    assert torch.equal(
        KERNELS.conv_transpose2d_forward(y, weight, 2, 1, 7, 8),
        KERNELS.conv_transpose2d_forward(y, weight.bfloat16(), 2, 1, 7, 8),
    )


@needs_library
def test_results_hang_on_no_number_of_threads():
    x, gradient = rounded((24, 48, 32, 32)), rounded((24, 40, 16, 16), seed=1)
    weight = tensor((40, 48, 4, 4), seed=2)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(
                [
                    KERNELS.conv2d_forward(x, weight, 2, 1),
                    KERNELS.conv_transpose2d_forward(gradient, weight, 2, 1, 32, 32),
                    KERNELS.conv2d_weight_gradient(x, gradient, 4, 2, 1, True),
                ]
            )
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))


@needs_library
def test_what_is_no_number_stays_where_it_is():
    """A window that holds no NaN gives none, whatever lies next to it in memory."""
    x = rounded((2, 3, 9, 9))
    x[0, 1, 4, 4] = torch.nan
    x[1, 0, 0, 0] = torch.inf
    weight = tensor((5, 3, 3, 3), seed=1)
    ours = KERNELS.conv2d_forward(x, weight, 1, 1)
    theirs = F.conv2d(x.float(), weight.bfloat16().float(), None, 1, 1)
    assert torch.equal(ours.isnan(), theirs.isnan())
    assert torch.equal(ours.isinf(), theirs.isinf())
    gradient = rounded((2, 5, 9, 9), seed=2)
    gradient[1, 2, 8, 8] = torch.nan
    dweight = KERNELS.conv2d_weight_gradient(x * 0 + 1, gradient, 3, 1, 1, True)
    assert dweight[2].isnan().any()
    assert not dweight[[0, 4]][:, 2].isnan().any()


@needs_library
def test_large_images_are_summed_in_several_goes():
    """More of y's gradient than is packed at once: 2^23 numbers of 32 channels or so."""
    x, gradient = rounded((5, 1, 256, 256)), rounded((5, 33, 256, 256), seed=1)
    ours = KERNELS.conv2d_weight_gradient(x, gradient, 1, 1, 0, True)
    exact = torch.einsum("bihw,bohw->oi", x.double(), gradient.double())[:, :, None, None]
    assert error(ours, exact) < 1e-5


@needs_library
def test_nothing_comes_of_an_empty_batch():
    weight = tensor((16, 8, 4, 4))
    assert KERNELS.conv2d_forward(rounded((0, 8, 8, 8)), weight, 2, 1).shape == (0, 16, 4, 4)
    assert KERNELS.conv_transpose2d_forward(rounded((0, 16, 4, 4)), weight, 2, 1, 8, 8).shape == (0, 8, 8, 8)
    assert not KERNELS.conv2d_weight_gradient(rounded((0, 8, 8, 8)), rounded((0, 16, 4, 4)), 4, 2, 1, True).any()


@needs_library
def test_a_call_by_name_refuses_what_it_does_not_know():
    x, weight = rounded((2, 8, 8, 8)), tensor((16, 8, 2, 2))
    for call, words in (
        (lambda: KERNELS.conv2d_forward(x, weight, 3, 1), "no kernel of 2x2 with stride 3"),
        (lambda: KERNELS.conv2d_forward(x, weight, 2, 2), "padding is 2; 0 to 1 fit"),
        (lambda: KERNELS.conv2d_forward(x.float(), weight.bfloat16(), 2, 0), "is bfloat16, and x float32"),
        (lambda: KERNELS.conv2d_forward(x.half(), weight, 2, 0), "neither float32 nor bfloat16"),
        (lambda: KERNELS.conv2d_weight_gradient(x, x.float(), 3, 1, 1, True), "differ in their dtype"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()


# ---- who goes this way

needs_kernels = pytest.mark.skipif(not library.native("conv2d", "cpu"), reason="no kernels serve convolutions here")


@pytest.fixture
def amx(monkeypatch):
    """As on a processor that has it; where this one has not, the vectors stand in."""
    monkeypatch.setattr(library, "has_amx", lambda: True)


def network(x, first, second, third):
    """Through a convolution, a transposed one, and one of which the heuristics leave the weights' gradient to torch."""
    x = ops.bias_act(ops.conv2d(x, first, 2, 1), None, "leaky_relu", 0.2)
    x = ops.conv_transpose2d(x, second, 2, 1)
    return ops.conv2d(x, third, 1, 1)


def parameters():
    weights = [tensor(s, seed=i) / 16 for i, s in enumerate([(40, 36, 4, 4), (40, 33, 4, 4), (35, 33, 3, 3)])]
    return [weight.contiguous(memory_format=LAST) for weight in weights]


@needs_kernels
@pytest.mark.usefixtures("amx")
def test_under_autocast_layers_are_computed_in_bfloat16_and_weights_stay_float32(monkeypatch):
    called = set()
    pays = convolution_heuristics._pays_in_bfloat16

    def asked(direction, geometry):
        answer = pays(direction, geometry)
        called.add((direction, geometry.rows, answer))
        return answer

    monkeypatch.setattr(convolution_heuristics, "_pays_in_bfloat16", asked)
    x, *weights = leaves(as_channels_last(tensor((4, 36, 20, 20))), *parameters())
    with torch.autocast("cpu", torch.bfloat16):
        y = network(x, *weights)
    assert y.dtype == torch.bfloat16
    gradient = rounded(tuple(y.shape), seed=9)
    ours = torch.autograd.grad(y, [x, *weights], gradient)
    assert [each.dtype for each in ours] == [torch.float32] * 4
    assert {("forward", 4, True), ("transposed", 4, True), ("weight", 4, True), ("weight", 3, False)} <= called
    assert not torch.equal(ours[1], ours[1].bfloat16().float())  # ours are not rounded to bfloat16
    exact = leaves(x, *weights, dtype=torch.float64)
    theirs = torch.autograd.grad(network(*exact), exact, gradient.double())
    with torch.autocast("cpu", torch.bfloat16), ops.references():
        y = network(x, *weights)
    torchs = torch.autograd.grad(y, [x, *weights], gradient)
    for mine, their, torchs_own in zip(ours, theirs, torchs, strict=True):
        assert error(mine, their) < 1.2 * error(torchs_own, their) < 0.06


@needs_kernels
@pytest.mark.usefixtures("amx")
def test_a_gradient_of_the_gradient_is_that_of_torch(monkeypatch):
    """What R1 takes: of the squared norm of D's gradient with respect to the images."""

    def penalty(x, *weights):
        with torch.autocast("cpu", torch.bfloat16):
            y = network(x, *weights).float().square().sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        return torch.autograd.grad(slope.float().square().sum(), weights)

    given = leaves(as_channels_last(tensor((4, 36, 20, 20))), *parameters())
    ours = penalty(*given)
    with ops.references():
        theirs = penalty(*given)
    for mine, their in zip(ours, theirs, strict=True):
        assert mine.dtype == torch.float32
        assert error(mine, their.double()) < 0.03


@needs_kernels
@pytest.mark.usefixtures("amx")
def test_networks_in_bfloat16_get_gradients_in_it():
    given = [each.bfloat16() for each in (as_channels_last(tensor((4, 36, 20, 20))), *parameters())]
    given = leaves(*given, dtype=torch.bfloat16)
    ours = torch.autograd.grad(network(*given).float().square().sum(), given)
    assert [each.dtype for each in ours] == [torch.bfloat16] * 4
    exact = leaves(*given, dtype=torch.float64)
    theirs = torch.autograd.grad(network(*exact).square().sum(), exact)
    for mine, their in zip(ours, theirs, strict=True):
        assert error(mine, their) < 0.06


@needs_kernels
@pytest.mark.usefixtures("amx")
def test_torch_compile_goes_the_same_way():
    x, *weights = leaves(as_channels_last(tensor((4, 36, 20, 20))), *parameters())

    def call(x, *weights):
        with torch.autocast("cpu", torch.bfloat16):
            return network(x, *weights)

    eager, compiled = call(x, *weights), torch.compile(call, backend="aot_eager", fullgraph=True)(x, *weights)
    assert torch.equal(eager, compiled)
    gradient = rounded(tuple(eager.shape), seed=9)
    for a, b in zip(
        torch.autograd.grad(eager, [x, *weights], gradient),
        torch.autograd.grad(compiled, [x, *weights], gradient),
        strict=True,
    ):
        assert a.dtype == b.dtype
        assert error(a, b.double()) < 1e-2


def test_without_amx_torch_computes_it(monkeypatch):
    monkeypatch.setattr(library, "has_amx", lambda: False)
    x, weight = as_channels_last(tensor((2, 32, 8, 8))), tensor((32, 32, 4, 4), seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ops.conv2d(x, weight, 2, 1), F.conv2d(x, weight, None, 2, 1))
    x, weight = x.bfloat16(), weight.bfloat16()
    assert torch.equal(ops.conv2d(x, weight, 2, 1), F.conv2d(x, weight, None, 2, 1))


@pytest.mark.usefixtures("amx")
def test_float16_and_other_layouts_are_torchs():
    x, weight = as_channels_last(tensor((2, 32, 8, 8))), tensor((32, 32, 4, 4), seed=1)
    with torch.autocast("cpu", torch.float16):
        assert torch.equal(ops.conv2d(x, weight, 2, 1), F.conv2d(x, weight, None, 2, 1))
        assert ops.conv2d(x.bfloat16(), weight, 2, 1).dtype == torch.float16
    x = x.contiguous()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ops.conv2d(x, weight, 2, 1), F.conv2d(x, weight, None, 2, 1))
