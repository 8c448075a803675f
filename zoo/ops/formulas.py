"""Gradients of the ops in closed form, in plain PyTorch.

The backward ops fall to them where no kernel is built, and gradients of gradients always do: a gradient penalty (R1,
WGAN-GP) differentiates these lines, as often as it likes. Independent of autograd's own derivatives of
`zoo.ops.reference`, so that the tests can hold one against the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.ops import reference
from zoo.ops.codes import ACTIVATION_NAMES, LOSS_KIND_NAMES


def _rows(x: Tensor, groups: int) -> Tensor:
    """(N, C, ...) as (groups, N / groups, C, positions): statistics run over dimensions 1 and 3."""
    return x.reshape(groups, x.shape[0] // groups, x.shape[1], -1)


def _channels(statistic: Tensor) -> Tensor:
    """(groups, C) or (C,) against `_rows`."""
    return statistic.reshape(-1, 1, statistic.shape[-1], 1)


def statistics(x: Tensor, eps: float, activation: int, slope: float, order: int, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and inverse standard deviation of every group and channel, (groups, C) each, differentiable."""
    rows = _rows(x.to(reference.accumulate_dtype(x.dtype)), groups)
    if order == 1:
        rows = reference.activate(rows, ACTIVATION_NAMES[activation], slope)
    mean = rows.mean((1, 3), keepdim=True)
    var = (rows - mean).square().mean((1, 3))
    return mean.flatten(1), torch.rsqrt(var + eps)


def activation_gradient(gradient: Tensor, argument: Tensor, activation: int, slope: float) -> Tensor:
    """The gradient before an activation, from the one behind it and the activation's argument."""
    if activation == 1:
        return torch.where(argument <= 0, torch.zeros_like(gradient), gradient)
    if activation == 2:
        return torch.where(argument > 0, gradient, gradient * slope)
    if activation == 3:
        return gradient * (1 - torch.tanh(argument).square())
    return gradient


def batch_norm_act_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    invstd: Tensor,
    training: bool,
    activation: int,
    slope: float,
    order: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x (its dtype), weight and bias (their dtype or, where absent, that of the statistics).

    Equations of Ioffe & Szegedy 2015, section 3; `mean` and `invstd` are (groups, C), or (1, C) in evaluation.
    """
    dtype = mean.dtype
    groups = groups if training else 1
    g, argument = _rows(gradient.to(dtype), groups), _rows(x.to(dtype), groups)
    before = reference.activate(argument, ACTIVATION_NAMES[activation], slope) if order == 1 else argument
    normalised = (before - _channels(mean)) * _channels(invstd)
    factor = _channels(invstd)
    if weight is not None:
        factor = factor * _channels(weight.to(dtype))
    if order == 0:
        behind = normalised if weight is None else normalised * _channels(weight.to(dtype))
        behind = behind if bias is None else behind + _channels(bias.to(dtype))
        g = activation_gradient(g, behind, activation, slope)
    sum_g, sum_gx = g.sum((1, 3)), (g * normalised).sum((1, 3))
    if training:
        count = g.shape[1] * g.shape[3]
        dx = (g - _channels(sum_g / count) - normalised * _channels(sum_gx / count)) * factor
    else:
        dx = g * factor
    if order == 1:
        dx = activation_gradient(dx, argument, activation, slope)
    return (
        dx.reshape(x.shape).to(x.dtype),
        sum_gx.sum(0).to(dtype if weight is None else weight.dtype),
        sum_g.sum(0).to(dtype if bias is None else bias.dtype),
    )


def bias_act_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    """Gradients of x (its dtype) and of the bias (that of accumulation), from the output alone.

    No activation here hides the sign of its argument, and tanh' is 1 - y².
    """
    dtype = reference.accumulate_dtype(gradient.dtype)
    g, out = gradient.to(dtype), y.to(dtype)
    g = g * (1 - out.square()) if activation == 3 else activation_gradient(g, out, activation, slope)
    return g.to(gradient.dtype), g.sum([d for d in range(g.dim()) if d != 1])


def loss_gradients(logits: Tensor, real: bool, loss: int, a: float, b: float, scale: float) -> Tensor:
    """d loss / d logits of the discriminator's term for real or for generated images, in the dtype of accumulation."""
    dtype = reference.accumulate_dtype(logits.dtype)
    x = logits.to(dtype)
    kind = LOSS_KIND_NAMES[loss]
    if kind in ("non_saturating", "minimax"):
        g = -torch.sigmoid(-x) if real else torch.sigmoid(x)
    elif kind == "least_squares":
        g = x - (b if real else a)
    elif kind == "hinge":
        g = (
            torch.where(1 - x <= 0, torch.zeros_like(x), -torch.ones_like(x))
            if real
            else (torch.where(1 + x <= 0, torch.zeros_like(x), torch.ones_like(x)))
        )
    else:
        g = torch.full_like(x, -1.0 if real else 1.0)
    return g * (scale / x.numel())


def generator_gradients(logits: Tensor, loss: int, c: float, scale: float) -> Tensor:
    """d loss / d logits of the generator, in the dtype of accumulation."""
    x = logits.to(reference.accumulate_dtype(logits.dtype))
    kind = LOSS_KIND_NAMES[loss]
    if kind == "non_saturating":
        g = -torch.sigmoid(-x)
    elif kind == "minimax":
        g = -torch.sigmoid(x)
    elif kind == "least_squares":
        g = x - c
    else:
        g = torch.full_like(x, -1.0)
    return g * (scale / x.numel())
