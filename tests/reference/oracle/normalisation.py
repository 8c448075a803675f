"""Batch normalisation with an activation before or after it, of a batch in groups (Ioffe & Szegedy 2015, section 3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracle.activations import activate, derivative
from oracle.draws import Array


class Setting(NamedTuple):
    """The arguments that are not tensors."""

    training: bool = True
    momentum: float = 0.1
    eps: float = 1e-5
    activation: str = "identity"
    slope: float = 0.0
    order: str = "norm_act"
    groups: int = 1
    unbiased: bool = True

    @property
    def function(self) -> tuple[str, float]:
        """The activation with its slope."""
        return self.activation, self.slope


class Running(NamedTuple):
    """Running mean and variance, (C,) each, or None where none are kept."""

    mean: Array | None = None
    var: Array | None = None


def batch_norm_act(
    x: Array, weight: Array | None, bias: Array | None, running: Running, setting: Setting
) -> tuple[Array, Running]:
    """(N, C) or (N, C, H, W) to the same shape, and the running statistics afterwards."""
    results = []
    for part in _parts(x, setting):
        inner = activate(part, *setting.function) if setting.order == "act_norm" else part
        mean, var = _statistics(inner, running, setting)
        normalised = (inner - _wide(mean, x)) / np.sqrt(_wide(var, x) + setting.eps)
        y = _affine(normalised, weight, bias)
        results.append(activate(y, *setting.function) if setting.order == "norm_act" else y)
        running = _updated(running, inner, mean, var, setting)
    return np.concatenate(results), running


def batch_norm_act_backward(
    dy: Array, x: Array, weight: Array | None, bias: Array | None, running: Running, setting: Setting
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias, by the paper's chain of equations. `running` is that before the pass."""
    dx, dweight, dbias = [], 0.0, 0.0
    for part, dpart in zip(_parts(x, setting), _parts(dy, setting), strict=True):
        inner = activate(part, *setting.function) if setting.order == "act_norm" else part
        mean, var = (_wide(statistic, x) for statistic in _statistics(inner, running, setting))
        deviation, root = inner - mean, np.sqrt(var + setting.eps)
        normalised = deviation / root
        if setting.order == "norm_act":
            dpart = dpart * derivative(_affine(normalised, weight, bias), *setting.function)
        dweight = dweight + _total(dpart * normalised)
        dbias = dbias + _total(dpart)
        dnormalised = dpart if weight is None else dpart * _wide(weight, x)
        dinner = dnormalised / root
        if setting.training:
            count = inner.size // inner.shape[1]
            dvar = _wide(_total(dnormalised * deviation * -0.5 * (var + setting.eps) ** -1.5), x)
            dmean = _wide(_total(-dnormalised / root), x) - dvar * 2.0 * _wide(_total(deviation), x) / count
            dinner = dinner + dvar * 2.0 * deviation / count + dmean / count
        dx.append(dinner * derivative(part, *setting.function) if setting.order == "act_norm" else dinner)
    return np.concatenate(dx), dweight, dbias


def _parts(x: Array, setting: Setting) -> list[Array]:
    return np.split(x, setting.groups) if setting.training else [x]


def _others(x: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _total(x: Array) -> Array:
    return x.sum(_others(x))


def _wide(channels: Array, x: Array) -> Array:
    return channels.reshape(1, -1, *[1] * (x.ndim - 2))


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    x = x if weight is None else x * _wide(weight, x)
    return x if bias is None else x + _wide(bias, x)


def _statistics(inner: Array, running: Running, setting: Setting) -> tuple[Array, Array]:
    if not setting.training:
        return running.mean, running.var
    mean = inner.mean(_others(inner))
    return mean, ((inner - _wide(mean, inner)) ** 2).mean(_others(inner))


def _updated(running: Running, inner: Array, mean: Array, var: Array, setting: Setting) -> Running:
    if not setting.training or running.mean is None:
        return running
    count = inner.size // inner.shape[1]
    kept, new = 1.0 - setting.momentum, setting.momentum
    added = new * var * count / (count - 1) if setting.unbiased else new * var
    return Running(kept * running.mean + new * mean, kept * running.var + added)
