"""Any shape, stride, dtype and value: as the reference does, or refused with a message. Never a crash."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from op_cases import DTYPES, KINDS, close, leaves

from zoo import ops
from zoo.ops import reference

FAST = settings(max_examples=60, deadline=None, derandomize=True)
activations = st.tuples(st.sampled_from(["identity", "relu", "leaky_relu", "tanh"]), st.sampled_from([0.0, 0.2, 2.0]))


@st.composite
def inputs(draw, special=True):
    """A tensor of rank 2 or 4 and any strides: sliced, permuted, expanded, overlapping; maybe with NaN and infinities."""
    rank = draw(st.sampled_from([2, 4]))
    shape = [draw(st.integers(1, 9)), draw(st.integers(1, 40))] + [draw(st.integers(1, 9)) for _ in range(rank - 2)]
    dtype = draw(st.sampled_from(DTYPES))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    base = torch.randn([2 * n for n in shape], generator=generator, dtype=torch.float64)
    base = (base * draw(st.sampled_from([1.0, 30.0]))).to(dtype)
    if special and draw(st.booleans()):
        value = draw(st.sampled_from([float("nan"), float("inf"), float("-inf")]))
        base[tuple(draw(st.integers(0, n - 1)) for n in base.shape)] = value
    kind = draw(st.sampled_from(["plain", "sliced", "permuted", "channels_last", "expanded", "overlapping"]))
    x = base[tuple(slice(0, n) for n in shape)].contiguous()
    if kind == "sliced":
        x = base[tuple(slice(0, 2 * n, 2) for n in shape)]
    elif kind == "permuted":
        x = x.transpose(0, 1)
    elif kind == "channels_last" and rank == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    elif kind == "expanded":
        x = x[..., :1].expand(shape)
    elif kind == "overlapping":
        x = base.flatten().as_strided(shape, [1] * rank)
    return x


def run(module, call, *tensors, dtype=None):
    wanted = leaves(*tensors, dtype=dtype)
    try:
        y = call(module, *wanted)
    except (ValueError, TypeError) as error:
        return str(error)
    gradient = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view(y.shape).to(tensors[0].dtype).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, wanted, gradient)]


def same(call, *tensors, factor=1.0):
    ours, theirs = run(ops, call, *tensors), run(reference, call, *tensors, dtype=torch.float64)
    if isinstance(ours, str):
        assert str(tuple(tensors[0].shape)) in ours
        return
    assert not isinstance(theirs, str), theirs
    for got, want in zip(ours, theirs, strict=True):
        assert torch.equal(got.isnan(), want.to(got.dtype).isnan())
        finite = want.isfinite() & got.isfinite()
        close(torch.where(finite, got.double(), 0.0), torch.where(finite, want, 0.0), tensors[0].dtype, factor)


@FAST
@given(inputs(), activations, st.booleans())
def test_bias_act(x, activation, with_bias):
    bias = [torch.linspace(-1, 1, x.shape[1], dtype=torch.float64).to(x.dtype)] if with_bias else [None]
    tensors = [x, *(b for b in bias if b is not None)]
    same(lambda ops, x, bias=None: ops.bias_act(x, bias, *activation), *tensors, factor=4)


@FAST
@given(inputs(special=False), activations, st.sampled_from(["norm_act", "act_norm"]), st.integers(1, 4))
def test_batch_norm_act(x, activation, order, groups):
    # A large eps keeps the problem well conditioned where a channel hardly varies; precision has tests of its own.
    def call(ops, x):
        return ops.batch_norm_act(
            x,
            None,
            None,
            None,
            None,
            eps=1.0,
            activation=activation[0],
            slope=activation[1],
            order=order,
            groups=groups,
        )

    same(call, x, factor=10)


@FAST
@given(inputs(), st.sampled_from(["norm_act", "act_norm"]))
def test_batch_norm_act_with_special_values(x, order):
    """Identity and tanh: where the statistics are NaN, a ReLU's gradient of exactly 0 or not is nobody's business."""

    def call(ops, x):
        return ops.batch_norm_act(x, None, None, None, None, eps=1.0, activation="tanh", order=order)

    same(call, x, factor=10)


@FAST
@given(inputs(), st.sampled_from(KINDS), st.floats(-2, 2))
def test_losses(logits, kind, target):
    same(lambda ops, x: ops.discriminator_loss(x, x, kind, a=target).loss, logits, factor=4)
    same(lambda ops, x: ops.generator_loss(x, kind, c=target).loss, logits, factor=4)
