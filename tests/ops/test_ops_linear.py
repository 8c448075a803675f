"""linear: the product of a linear layer, whichever library computes it, against float64, with gradients of every order."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from zoo import ops
from zoo.ops import library
from zoo.ops.families import linear

BUILT = "cpu" in library._native
SHAPES = [
    (64, 784, 392),
    (32, 100, 512),
    (33, 257, 129),
    (128, 784, 784),
    (9, 1200, 112),
    (512, 129, 16),
    (300, 300, 31),
]


@pytest.fixture(params=["by our kernel", "by torch"])
def serving(request, monkeypatch):
    """Each way in which the product can be computed; our kernel where it is built, the fastest here or not."""
    ours = request.param == "by our kernel"
    if ours and not BUILT:
        pytest.skip("the CPU library is not built")
    monkeypatch.setattr(library, "native", lambda family, device: ours and device == "cpu")


def leaves(n: int, inputs: int, outputs: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(n)
    x = torch.randn(n, inputs, generator=random, dtype=dtype)
    weight = torch.randn(outputs, inputs, generator=random, dtype=dtype) / inputs**0.5
    return x.requires_grad_(), weight.requires_grad_()


def apart(got: torch.Tensor, exact: torch.Tensor) -> float:
    """The relative distance to what is exact."""
    return float((got.detach().double() - exact.detach()).norm() / exact.detach().norm())


@pytest.mark.parametrize("shape", SHAPES)
def test_product_and_gradients_are_as_near_to_float64_as_torchs(serving, shape):
    x, weight = leaves(*shape)
    wide = [leaf.detach().double().requires_grad_() for leaf in (x, weight)]
    exact, y, plain = F.linear(*wide), ops.linear(x, weight), F.linear(x, weight)
    gradient = torch.randn(exact.shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad(exact, wide, gradient.double())
    ours, torchs = (torch.autograd.grad(result, (x, weight), gradient) for result in (y, plain))
    for got, theirs, right in zip((y, *ours), (plain, *torchs), (exact, *wanted), strict=True):
        assert got.dtype == torch.float32
        assert apart(got, right) <= max(2 * apart(theirs, right), 1e-6)


def test_gradients_of_gradients(serving):
    x, weight = leaves(64, 256, 144)
    results = []
    for function in (ops.linear, F.linear):
        (slope,) = torch.autograd.grad(function(x, weight).square().sum(), x, create_graph=True)
        results.append(torch.autograd.grad(slope.square().sum(), (x, weight)))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-3 * float(want.abs().max()))


def test_the_gradient_may_lie_in_any_way(serving):
    x, weight = leaves(64, 256, 144)
    y = ops.linear(x, weight)
    for gradient in (torch.ones(()).expand(64, 144), torch.randn(64, 288)[:, ::2], torch.randn(144, 64).t()):
        ours = torch.autograd.grad(y, (x, weight), gradient, retain_graph=True)
        wanted = torch.autograd.grad(F.linear(x, weight), (x, weight), gradient)
        for got, want in zip(ours, wanted, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 784, 784), (64, 784, 1), (4, 4, 4)])
def test_small_products_are_torchs_own(serving, monkeypatch, shape):
    monkeypatch.setattr(linear, "_linear", lambda *_: pytest.fail("too small to be worth it"))
    x, weight = leaves(*shape)
    assert torch.equal(ops.linear(x, weight), F.linear(x, weight))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_other_types_are_torchs_own(serving, dtype):
    x, weight = leaves(64, 256, 128, dtype)
    assert torch.equal(ops.linear(x, weight), F.linear(x, weight))


def test_under_autocast_it_is_computed_in_bfloat16(serving):
    x, weight = leaves(64, 256, 144)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ops.linear(x, weight), F.linear(x, weight))
        assert ops.linear(x, weight).dtype == torch.bfloat16


def test_any_number_of_dimensions_and_shapes_that_do_not_fit_are_as_in_torch(serving):
    x, weight = leaves(64, 256, 144)
    stacked = x.reshape(4, 16, 256)
    assert torch.equal(ops.linear(stacked, weight), F.linear(stacked, weight))
    with pytest.raises(RuntimeError):
        ops.linear(x, weight.t().contiguous())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode
def test_transforms_and_compiling(serving):
    x, weight = (leaf.detach() for leaf in leaves(64, 256, 144))
    _, tangent = torch.func.jvp(lambda x: ops.linear(x, weight), (x,), (x,))
    torch.testing.assert_close(tangent, F.linear(x, weight))
    each = torch.vmap(lambda row: ops.linear(row[None], weight)[0])(x)
    torch.testing.assert_close(each, F.linear(x, weight), rtol=1e-4, atol=1e-4)
    traced = torch.compile(ops.linear, backend="eager", fullgraph=True)(x, weight)
    torch.testing.assert_close(traced, F.linear(x, weight))


# ---- the kernel itself, for whatever shape


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
@pytest.mark.parametrize("rows", [0, 1, 7, 16, 31, 32, 33, 65])
@pytest.mark.parametrize("depth", [0, 1, 15, 256, 257, 300])
@pytest.mark.parametrize("columns", [0, 1, 16, 48, 63, 144])
def test_the_kernel_takes_matrices_that_lie_in_any_way(rows, depth, columns):
    random = torch.Generator().manual_seed(rows + depth + columns)
    x, weight = torch.randn(rows, depth, generator=random), torch.randn(columns, depth, generator=random)
    wanted = x.double() @ weight.double().t()
    wide = torch.zeros(rows, 2 * depth)
    wide[:, ::2] = x
    ways = [x, x.t().contiguous().t(), wide[:, ::2], torch.cat([x, x], 1)[:, :depth]]
    for given in ways:
        for other in (weight, weight.t().contiguous().t(), torch.cat([weight, weight], 1)[:, :depth]):
            got = torch.ops.zoo.linear_forward(given, other)
            assert got.shape == wanted.shape
            torch.testing.assert_close(got.double(), wanted, rtol=1e-5, atol=1e-5 * max(1, depth) ** 0.5)


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_the_kernel_says_what_does_not_fit():
    with pytest.raises(RuntimeError, match=r"linear: weight has shape .* does not fit x of shape"):
        torch.ops.zoo.linear_forward(torch.ones(2, 3), torch.ones(2, 4))
    with pytest.raises(RuntimeError, match=r"linear: weight of shape .* is not a float32 matrix"):
        torch.ops.zoo.linear_forward(torch.ones(2, 3), torch.ones(3))


@pytest.mark.skipif(not BUILT, reason="the CPU library is not built")
def test_the_results_are_the_same_on_any_number_of_threads():
    x, weight = (leaf.detach() for leaf in leaves(100, 700, 400))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            pairs = ((x, weight), (x[:, :400].contiguous(), weight.t()), (x.t(), x.t()))
            found.append([torch.ops.zoo.linear_forward(*pair) for pair in pairs])
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))
