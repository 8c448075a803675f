"""The losses on CUDA against the reference in float64."""

from __future__ import annotations

import pytest
import torch
from cuda_cases import DEVICE, close, leaves, tensor, wide
from op_cases import DTYPES, KINDS

from zoo import ops
from zoo.ops import reference

pytestmark = pytest.mark.ops("discriminator_loss", "generator_loss")

TARGETS = {"a": -0.5, "b": 0.75}
# One logit, a batch, two blocks and more of patches (a second launch adds those up).
SHAPES = [
    ((), (3,)),
    ((64, 1), (64, 1)),
    ((5, 1, 4, 4), (7, 1, 4, 4)),
    ((4099,), (1,)),
    ((65536,), (65537,)),
    ((3, 99999), (200_003,)),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_loss_gradient_and_statistics(dtype, kind):
    loss_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    for real_shape, fake_shape in SHAPES:
        inputs = leaves((tensor(real_shape, dtype) * 3).to(DEVICE), (tensor(fake_shape, dtype, 1) * 3).to(DEVICE))
        twins = wide(*inputs)
        ours = ops.discriminator_loss(*inputs, kind, **TARGETS, scale=0.5)
        theirs = reference.discriminator_loss(*twins, kind, **TARGETS, scale=0.5)
        assert (ours.loss.dtype, ours.loss.shape, ours.statistics.dtype) == (loss_dtype, (), torch.float32)
        close(ours.loss.cpu(), theirs.loss, loss_dtype)
        close(ours.statistics.cpu(), theirs.statistics, torch.float32)
        results, wanted = torch.autograd.grad(ours.loss * 3, inputs), torch.autograd.grad(theirs.loss * 3, twins)
        for leaf, got, want in zip(inputs, results, wanted, strict=True):
            assert got.dtype == dtype
            if dtype != torch.float16 or leaf.numel() < 10_000:  # 1 / numel is below the normal numbers of float16
                close(got.cpu() * leaf.numel(), want * leaf.numel(), dtype, factor=2)

        ours = ops.generator_loss(inputs[1], kind, **TARGETS, c=0.25, scale=0.5)
        theirs = reference.generator_loss(twins[1], kind, **TARGETS, c=0.25, scale=0.5)
        close(ours.loss.cpu(), theirs.loss, loss_dtype)
        close(ours.statistics.cpu(), theirs.statistics, torch.float32)
        (got,), (want,) = torch.autograd.grad(ours.loss, inputs[1]), torch.autograd.grad(theirs.loss, twins[1])
        if dtype != torch.float16 or got.numel() < 10_000:
            close(got.cpu() * got.numel(), want * got.numel(), dtype, factor=2)


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_logits_infinities_and_nan(kind):
    for values in ([1e4, -1e4, 0.0], [float("inf"), 1.0], [float("-inf"), 1.0], [float("nan"), 1.0]):
        results = []
        for device in (DEVICE, "cpu"):
            logits = torch.tensor(values, device=device, requires_grad=True)
            d = ops.discriminator_loss(logits, logits.flip(0), kind)
            g = ops.generator_loss(logits, kind)
            gradients = torch.autograd.grad(d.loss + g.loss, logits)
            results.append([t.detach().cpu() for t in (d.loss, d.statistics, g.loss, g.statistics, *gradients)])
        for got, want in zip(*results, strict=True):
            torch.testing.assert_close(got, want, equal_nan=True)


def test_logits_of_any_strides_and_a_gradient_of_float64():
    logits = torch.randn(8, 6, device=DEVICE, dtype=torch.float64).t()
    (leaf,) = leaves(logits)
    loss, _ = ops.generator_loss(leaf, "least_squares")
    (got,) = torch.autograd.grad(loss * 2, leaf)
    torch.testing.assert_close(got, (logits - 1) * 2 / logits.numel())
