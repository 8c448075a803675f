"""Forward-mode derivatives and the transforms of torch.func: as the reference has them, never silently nothing."""

from __future__ import annotations

import warnings

import pytest
import torch
from op_cases import KINDS, tensor
from torch.autograd import forward_ad

from zoo import ops
from zoo.ops import reference
from zoo.ops.kinds import Activation
from zoo.ops.table import SCHEMAS

TANH = int(Activation.tanh)
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode


def loss(module, name, kind):
    return lambda *logits: getattr(module, name)(*logits, kind).loss


def kernels(outputs, inputs):
    return tensor((outputs, inputs, 4, 4), torch.float64, 1)


def cases():
    """(name, our function, the reference's, inputs), float64."""
    image, vector, logits = (
        tensor((4, 5, 3, 3), torch.float64),
        tensor((5,), torch.float64),
        tensor((6, 1), torch.float64),
    )
    for order in ("norm_act", "act_norm"):

        def norm(module, order=order):
            return lambda x, w, b: module.batch_norm_act(
                x, w, b, None, None, activation="leaky_relu", slope=0.2, order=order, groups=2
            )

        yield f"batch_norm_act {order}", norm(ops), norm(reference), (image, vector, vector)
    for activation in ("identity", "relu", "tanh"):

        def bias(module, activation=activation):
            return lambda x, b: module.bias_act(x, b, activation)

        yield f"bias_act {activation}", bias(ops), bias(reference), (image, vector)
    for up, activation in ((2, "identity"), (1, "tanh")):

        def resampled(module, up=up, activation=activation):
            return lambda x, b: module.upfirdn2d(x, (0.2, 0.5, 0.3), up, 3 - up, 1, b, activation)

        yield f"upfirdn2d {up} {activation}", resampled(ops), resampled(reference), (image, vector)
    picture = tensor((2, 3, 6, 4), torch.float64).contiguous(memory_format=torch.channels_last)
    yield "conv2d", *(lambda x, w, m=m: m.conv2d(x, w, 2, 1) for m in (ops, reference)), (picture, kernels(4, 3))
    up = (lambda x, w, m=m: m.conv_transpose2d(x, w, 2, 1) for m in (ops, reference))
    yield "conv_transpose2d", *up, (picture, kernels(3, 4))
    boxes = torch.tensor([[1, 1, 3, 9], [0, 0, 2, 2]])
    maps = torch.eye(2, 3) + 0.3 * tensor((2, 2, 3)).float()
    done = {"affine": maps, "color": tensor((2, 3, 7)).float(), "box": boxes, "padding": "reflect"}
    yield (
        "augment",
        *(lambda x, m=m: m.augment(x, **done) for m in (ops, reference)),
        (tensor((2, 3, 6, 4), torch.float64),),
    )
    for kind in KINDS:
        d, g = "discriminator_loss", "generator_loss"
        yield f"{d} {kind}", loss(ops, d, kind), loss(reference, d, kind), (logits, logits.flip(0))
        yield f"{g} {kind}", loss(ops, g, kind), loss(reference, g, kind), (logits,)


CASES = pytest.mark.parametrize(("ours", "theirs", "inputs"), [pytest.param(*c, id=name) for name, *c in cases()])


@CASES
def test_dual_tensors_keep_their_tangent(ours, theirs, inputs):
    tangents = [tensor(t.shape, torch.float64) for t in inputs]
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(t, v) for t, v in zip(inputs, tangents, strict=True)]
        results = [forward_ad.unpack_dual(f(*duals)) for f in (ours, theirs)]
        assert results[0].tangent is not None
        torch.testing.assert_close(*results)


@CASES
def test_jvp_and_forward_over_reverse(ours, theirs, inputs):
    tangents = tuple(tensor(t.shape, torch.float64) for t in inputs)
    everything = tuple(range(len(inputs)))
    for derive in (lambda f: f, lambda f: torch.func.grad(lambda *a: f(*a).square().sum(), everything)):
        torch.testing.assert_close(
            torch.func.jvp(derive(ours), inputs, tangents), torch.func.jvp(derive(theirs), inputs, tangents)
        )


@CASES
def test_grad_and_grad_of_grad(ours, theirs, inputs):
    def once(f):
        return torch.func.grad(lambda *a: f(*a).square().sum())

    def twice(f):
        return torch.func.grad(lambda *a: once(f)(*a).square().sum())

    for derive in (once, twice):
        torch.testing.assert_close(derive(ours)(*inputs), derive(theirs)(*inputs))


@CASES
def test_vmap_and_gradients_per_sample(ours, theirs, inputs):
    many = tuple(torch.stack((t, 2 * t, t + 1)) for t in inputs)

    def gradient(f):
        return torch.func.grad(lambda *a: f(*a).square().sum())

    for derive in (lambda f: f, gradient):
        separate = torch.stack([derive(theirs)(*(t[i] for t in many)) for i in range(3)])
        torch.testing.assert_close(torch.func.vmap(derive(ours))(*many), separate)


def test_vmap_over_running_statistics_is_refused_and_nothing_is_written():
    x, mean, var = tensor((3, 4, 5)), torch.zeros(5), torch.ones(5)
    with pytest.raises(RuntimeError, match="vmap"):
        torch.func.vmap(lambda x: ops.batch_norm_act(x, None, None, mean, var))(x)
    assert not mean.any()


@pytest.mark.parametrize("name", [n for n in SCHEMAS if n.endswith("_forward")])
def test_calls_through_torch_ops_keep_their_tangents_too(name):
    x, v, logits = tensor((4, 5), torch.float64), tensor((5,), torch.float64), tensor((6, 1), torch.float64)
    picture, kernel, rows = tensor((2, 3, 6, 4)), 0.1 * tensor((3, 3, 4, 4)), tensor((16, 5))  # float32 has kernels
    maps = torch.eye(2, 3) + 0.3 * tensor((2, 2, 3))
    op = getattr(torch.ops.zoo, name)
    call, primal, theirs = {
        "batch_norm_act_forward": (
            lambda x: op(x, v, v, None, None, True, 0.1, 1e-5, TANH, 0.0, 0, 1)[0],
            x,
            lambda x: reference.batch_norm_act(x, v, v, None, None, activation="tanh"),
        ),
        "bias_act_forward": (lambda x: op(x, v, TANH, 0.0), x, lambda x: reference.bias_act(x, v, "tanh")),
        "upfirdn2d_forward": (
            lambda x: op(x, None, [0.2, 0.8], 2, 1, 1, 1, 12, 8, TANH, 0.0),
            picture,
            lambda x: reference.upfirdn2d(x, (0.2, 0.8), 2, 1, (1, 0, 1, 0), None, "tanh"),
        ),
        "discriminator_loss_forward": (
            lambda x: op(x, logits, 0, 0.0, 1.0, 1.0)[0],
            logits,
            lambda x: reference.discriminator_loss(x, logits).loss,
        ),
        "generator_loss_forward": (
            lambda x: op(x, 0, 0.0, 1.0, 1.0, 1.0)[0],
            logits,
            lambda x: reference.generator_loss(x).loss,
        ),
        "augment_forward": (
            lambda x: op(x, maps, None, None, 1, False),
            tensor((2, 3, 6, 4), torch.float64),
            lambda x: reference.augment(x, maps, padding="reflect"),
        ),
        "linear_forward": (lambda x: op(x, rows), rows + 1, lambda x: reference.linear(x, rows)),
        "conv2d_forward": (
            lambda x: op(x, kernel, 2, 1),
            picture,
            lambda x: reference.conv2d(x, kernel, 2, 1),
        ),
        "conv_transpose2d_forward": (
            lambda x: op(x, kernel, 2, 1, 12, 8),
            picture,
            lambda x: reference.conv_transpose2d(x, kernel, 2, 1),
        ),
    }[name]
    tangent = tensor(primal.shape, primal.dtype)
    torch.testing.assert_close(
        torch.func.jvp(call, (primal,), (tangent,)), torch.func.jvp(theirs, (primal,), (tangent,))
    )
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(primal, tangent)
        torch.testing.assert_close(forward_ad.unpack_dual(call(dual)), forward_ad.unpack_dual(theirs(dual)))
    ours, reference_gradient = (torch.func.grad(lambda x, f=f: f(x).square().sum())(primal) for f in (call, theirs))
    torch.testing.assert_close(ours, reference_gradient)
    many = torch.stack((primal, 2 * primal))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "there is a performance drop"
        if name == "batch_norm_act_forward":  # its schema writes to the running statistics
            with pytest.raises(RuntimeError, match="Batching rule not implemented"):
                torch.func.vmap(call)(many)
        else:
            torch.testing.assert_close(torch.func.vmap(call)(many), torch.stack([theirs(x) for x in many]))


def test_a_backward_inside_a_dual_level_keeps_its_tangent():
    """Forward over reverse by hand: the gradient's own tangent is a second derivative."""
    x = tensor((6, 1), torch.float64)
    tangent = tensor((6, 1), torch.float64)

    def tangent_of_gradient(f):
        with forward_ad.dual_level():
            leaf = forward_ad.make_dual(x.clone().requires_grad_(), tangent)
            (gradient,) = torch.autograd.grad(f(leaf).loss, leaf)
            return forward_ad.unpack_dual(gradient).tangent

    torch.testing.assert_close(tangent_of_gradient(ops.generator_loss), tangent_of_gradient(reference.generator_loss))


def test_a_graph_made_before_is_differentiated_forwards_inside_a_dual_level():
    x = tensor((4, 5), torch.float64).requires_grad_()
    upstream, tangent = tensor((4, 5), torch.float64), tensor((4, 5), torch.float64)

    def tangent_of_gradient(module):
        y = module.bias_act(x, None, "tanh")
        with forward_ad.dual_level():
            (gradient,) = torch.autograd.grad(y, x, forward_ad.make_dual(upstream, tangent))
            return forward_ad.unpack_dual(gradient).tangent

    torch.testing.assert_close(tangent_of_gradient(ops), tangent_of_gradient(reference))
