"""The losses: against formulas written out once more, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from op_cases import DTYPES, KINDS, close, leaves, tensor

from zoo import ops
from zoo.ops import reference

TARGETS = {"a": -0.5, "b": 0.75}


def written_out(real, fake, kind, a, b, c):
    """(discriminator's loss, generator's loss, D(real), D(fake), threshold) from the formulas of the papers."""
    zero = torch.zeros(())
    if kind in ("non_saturating", "minimax"):
        d = torch.logaddexp(zero, -real).mean() + torch.logaddexp(zero, fake).mean()
        g = torch.logaddexp(zero, -fake).mean() if kind == "non_saturating" else -torch.logaddexp(zero, fake).mean()
        return d, g, torch.sigmoid(real), torch.sigmoid(fake), 0.0
    if kind == "least_squares":
        d = 0.5 * ((real - b) ** 2).mean() + 0.5 * ((fake - a) ** 2).mean()
        return d, 0.5 * ((fake - c) ** 2).mean(), real, fake, (a + b) / 2
    if kind == "hinge":
        return (1 - real).relu().mean() + (1 + fake).relu().mean(), -fake.mean(), real, fake, 0.0
    return fake.mean() - real.mean(), -fake.mean(), real, fake, 0.0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("module", [ops, reference], ids=["kernels", "reference"])
def test_loss_gradient_and_statistics(dtype, kind, module):
    wide_loss = torch.float64 if dtype == torch.float64 else torch.float32
    for real_shape, fake_shape in (((64, 1), (64, 1)), ((1,), (3,)), ((5, 1, 4, 4), (7, 1, 4, 4)), ((), (4099,))):
        inputs = leaves(tensor(real_shape, dtype) * 3, tensor(fake_shape, dtype, 1) * 3)
        wide = leaves(*inputs, dtype=torch.float64)
        d, g, d_real, d_fake, threshold = written_out(*wide, kind, **TARGETS, c=0.25)

        loss, statistics = module.discriminator_loss(*inputs, kind, **TARGETS, scale=0.5)
        assert (loss.shape, loss.dtype, statistics.dtype) == ((), wide_loss, torch.float32)
        assert not statistics.requires_grad
        close(loss, d * 0.5, wide_loss)
        shares = [(wide[0] > threshold).double().mean(), (wide[1] <= threshold).double().mean()]
        close(statistics, torch.stack([d_real.mean(), d_fake.mean(), *shares]), torch.float32)
        results = torch.autograd.grad(loss * 3, inputs)
        for leaf, got, want in zip(inputs, results, torch.autograd.grad(d * 1.5, wide), strict=True):
            assert got.dtype == leaf.dtype
            close(got * leaf.numel(), want * leaf.numel(), dtype, factor=2)

        loss, statistics = module.generator_loss(inputs[1], kind, **TARGETS, c=0.25, scale=0.5)
        assert (loss.shape, loss.dtype, statistics.shape) == ((), wide_loss, (2,))
        close(loss, g * 0.5, wide_loss)
        close(statistics, torch.stack([d_fake.mean(), (wide[1] > threshold).double().mean()]), torch.float32)
        (got,) = torch.autograd.grad(loss * 3, inputs[1])
        (want,) = torch.autograd.grad(g * 1.5, wide[1])
        close(got * got.numel(), want * got.numel(), dtype, factor=2)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_ten_thousand_stay_finite(kind):
    real, fake = leaves(torch.tensor([1e4, -1e4, 0.5]), torch.tensor([1e4, -1e4, -0.25, 3.0]))
    for loss, _ in (ops.discriminator_loss(real, fake, kind), ops.generator_loss(fake, kind)):
        assert loss.isfinite()
        for gradient in torch.autograd.grad(loss, (real, fake), allow_unused=True):
            assert gradient is None or gradient.isfinite().all()
    wide = [t.detach().double() for t in (real, fake)]
    close(ops.discriminator_loss(real, fake, kind).loss, written_out(*wide, kind, 0.0, 1.0, 1.0)[0], torch.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinities_and_nan_propagate_as_in_the_reference(kind, value):
    results = []
    for module in (ops, reference):
        real, fake = leaves(torch.tensor([0.5, value, -1.0]), torch.tensor([value, 2.0]))
        d, g = module.discriminator_loss(real, fake, kind), module.generator_loss(fake, kind)
        (gradient,) = torch.autograd.grad(g.loss, fake)
        results.append([*d, *g, gradient, *torch.autograd.grad(d.loss, (real, fake))])
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_first_and_second_order_in_float64(kind):
    real, fake = leaves(tensor((5, 1), torch.float64), tensor((3,), torch.float64, 1))

    def discriminator(real, fake):
        return ops.discriminator_loss(real, fake, kind, **TARGETS, scale=0.7).loss

    def generator(fake):
        return ops.generator_loss(fake, kind, c=0.4, scale=0.7).loss

    for call, arguments in ((discriminator, (real, fake)), (generator, (fake,))):
        assert torch.autograd.gradcheck(call, arguments)
        assert torch.autograd.gradgradcheck(call, arguments)


def test_strides_do_not_matter():
    real = tensor((8, 6))
    for view in (real.t(), real[::2, 1:], real[:1].expand(8, 6), real.as_strided((4, 3), (1, 1))):
        ours = ops.discriminator_loss(view, view, "hinge")
        theirs = reference.discriminator_loss(view.contiguous(), view.contiguous(), "hinge")
        for got, want in zip(ours, theirs, strict=True):
            torch.testing.assert_close(got, want)


def test_one_tensor_may_be_both_real_and_fake():
    (logits,) = leaves(tensor((6,)))
    (got,) = torch.autograd.grad(ops.discriminator_loss(logits, logits).loss, logits)
    (want,) = torch.autograd.grad(reference.discriminator_loss(logits, logits).loss, logits)
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.discriminator_loss(torch.zeros(0, 1), torch.zeros(3)), ValueError, ["real_logits", "(0, 1)"]),
        (lambda: ops.discriminator_loss(torch.zeros(3), torch.zeros(0)), ValueError, ["fake_logits", "(0,)"]),
        (lambda: ops.generator_loss(torch.zeros(2, 0)), ValueError, ["(2, 0)"]),
        (lambda: ops.discriminator_loss(torch.zeros(3), torch.zeros(3), "lsgan"), ValueError, ["lsgan"]),
        (lambda: ops.generator_loss(torch.zeros(3), "hinges"), ValueError, ["'hinge'"]),
        (lambda: ops.generator_loss(torch.zeros(3, dtype=torch.int64)), TypeError, ["int64"]),
        (
            lambda: ops.discriminator_loss(torch.zeros(3), torch.zeros(2).double()),
            TypeError,
            ["(3,)", "(2,)", "float64"],
        ),
        (
            lambda: ops.discriminator_loss(torch.zeros(3), torch.zeros(2, device="meta")),
            ValueError,
            ["(3,)", "(2,)", "meta"],
        ),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["discriminator_loss", "generator_loss"])
def test_the_loss_is_the_only_output_with_a_graph(name):
    """Every further output of an autograd function is paid for with each call."""
    logits = [torch.randn(8, 1, requires_grad=True) for _ in range(2 if name == "discriminator_loss" else 1)]
    loss, statistics = getattr(ops, name)(*logits)
    assert loss.requires_grad
    assert not statistics.requires_grad
    assert statistics.grad_fn is None
    assert len(loss.grad_fn._input_metadata) == 1


def test_logits_changed_before_a_second_derivative_are_noticed():
    logits = torch.randn(8, 1, requires_grad=True)
    inner = logits * 1
    loss = ops.generator_loss(inner).loss
    with torch.no_grad():
        inner.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, inner, create_graph=True)


@pytest.mark.parametrize("module", [ops, reference], ids=["kernels", "reference"])
def test_a_loss_has_names_for_its_two_parts(module):
    real, fake = tensor((4, 1), torch.float32), tensor((4, 1), torch.float32, 1)
    for result in (module.discriminator_loss(real, fake), module.generator_loss(fake)):
        assert isinstance(result, ops.LossOutput)
        assert (result.loss, result.statistics) == tuple(result)
