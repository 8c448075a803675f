"""Who is compared: the fused op, and what a good PyTorch user would write in its place.

Eager PyTorch takes the in-place activation wherever autograd allows one, and its targets of a loss are made once. What is
compiled activates out of place: fused, it costs nothing, whereas the backward that torch.compile (2.13, CPU) makes of an
in-place activation takes ten times as long. Of the losses there are two eager versions: one that computes what ours does,
loss and logged statistics, and one that computes the loss alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import zoo.nn
from zoo import ops
from zoo.bench.workloads import Direction, Workload

Call = Callable[[], object]
Function = Callable[..., Any]


@dataclass
class Case:
    """A workload made flesh: inputs, and the functions that compete on them.

    Each function maps the inputs to a result, or to a loss and its statistics. torch.compile is given `to_compile`, or
    "eager" where that is None.
    """

    inputs: list[Tensor]
    functions: dict[str, Function]
    gradient: Tensor | None  # of the result; None for a loss
    to_compile: Function | None = None

    def call(self, function: Function, direction: Direction, held: list[nn.Parameter] | None = None) -> Call:
        """One pass; `held` are the parameters, where the function is no module that has them.

        Forward alone runs without a graph, as the generator does while the discriminator learns.
        """
        inputs, gradient = self.inputs, self.gradient
        if direction == "forward":
            plain = [t.detach() for t in inputs]
            return lambda: function(*plain)
        leaves = [t.detach().requires_grad_() for t in inputs]
        wanted = [*leaves, *(parameters(function) if held is None else held)]

        def both() -> object:
            result = function(*leaves)
            loss = result[0] if isinstance(result, tuple) else result
            return torch.autograd.grad(loss, wanted, gradient)

        return both


def parameters(function: Function) -> list[nn.Parameter]:
    """The parameters of a module; none of a function."""
    return list(function.parameters()) if isinstance(function, nn.Module) else []


def build(workload: Workload, device: torch.device) -> Case:
    """Inputs and contenders of a workload."""
    torch.manual_seed(0)
    case = _BUILDERS[workload.op](workload)
    dtype = getattr(torch, workload.dtype)
    layout = torch.channels_last if workload.layout == "channels_last" else torch.contiguous_format

    def place(t: Tensor) -> Tensor:
        t = t.to(device, dtype)
        return t.to(memory_format=layout) if t.dim() == 4 else t

    for function in [*case.functions.values(), case.to_compile]:
        if isinstance(function, nn.Module):  # parameters stay in float32, as in mixed precision
            function.to(device)
            if workload.layout == "channels_last":
                function.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    case.inputs = [place(t) for t in case.inputs]
    case.gradient = None if case.gradient is None else place(case.gradient)
    return case


def activation(name: str, slope: float, inplace: bool = True) -> nn.Module:
    """torch's module of an activation; tanh has no in-place module."""
    modules: dict[str, Callable[[], nn.Module]] = {
        "identity": nn.Identity,
        "relu": lambda: nn.ReLU(inplace),
        "leaky_relu": lambda: nn.LeakyReLU(slope, inplace),
        "tanh": nn.Tanh,
    }
    return modules[name]()


def _batch_norm_act(w: Workload) -> Case:
    channels = w.shape[1]
    norm = nn.BatchNorm2d(channels) if len(w.shape) == 4 else nn.BatchNorm1d(channels)
    separate = activation(w.activation, w.slope, inplace=False)
    if w.order == "norm_act":
        eager = nn.Sequential(norm, activation(w.activation, w.slope))
        to_compile = nn.Sequential(norm, separate)
    else:  # in place it would overwrite the input, which is not ours here
        eager = to_compile = nn.Sequential(separate, norm)
    ours = zoo.nn.BatchNormAct(channels, w.activation, w.slope, w.order)
    return Case([torch.randn(w.shape)], {"ours": ours, "eager": eager}, torch.randn(w.shape), to_compile)


class _BiasAct(nn.Module):
    """x + b and an activation, fused or not."""

    def __init__(self, workload: Workload, fused: bool, inplace: bool = True) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(workload.shape[1]))
        self.shape = (1, -1) + (1,) * (len(workload.shape) - 2)
        self.name, self.slope, self.fused, self.inplace = workload.activation, workload.slope, fused, inplace

    def forward(self, x: Tensor) -> Tensor:
        if self.fused:
            return ops.bias_act(x, self.bias, self.name, self.slope)
        y = x + self.bias.to(x.dtype).view(self.shape)
        if self.name == "tanh":
            return torch.tanh_(y) if self.inplace else torch.tanh(y)
        return F.leaky_relu(y, self.slope, self.inplace)


def _bias_act(w: Workload) -> Case:
    functions: dict[str, Function] = {"ours": _BiasAct(w, True), "eager": _BiasAct(w, False)}
    return Case([torch.randn(w.shape)], functions, torch.randn(w.shape), _BiasAct(w, fused=False, inplace=False))


def _layer(w: Workload) -> Case:
    """A layer with bias and activation; PyTorch's own adds the bias inside the layer, which an op after it cannot beat."""
    arguments: tuple[int, ...] = (w.shape[1], w.channels) if w.op == "linear_act" else (w.shape[1], w.channels, 4, 2, 1)
    plain, fused = {
        "conv2d_act": (nn.Conv2d, zoo.nn.Conv2dAct),
        "conv_transpose2d_act": (nn.ConvTranspose2d, zoo.nn.ConvTranspose2dAct),
        "linear_act": (nn.Linear, zoo.nn.LinearAct),
    }[w.op]
    layer = plain(*arguments)
    eager = nn.Sequential(layer, activation(w.activation, w.slope))
    to_compile = nn.Sequential(layer, activation(w.activation, w.slope, inplace=False))
    ours = fused(*arguments, activation=w.activation, slope=w.slope)
    x = torch.randn(w.shape)
    return Case([x], {"ours": ours, "eager": eager}, torch.randn_like(eager(x)).detach(), to_compile)


def _loss_of(kind: str, logits: Tensor, target: float, constant: Tensor) -> Tensor:
    """One term of a loss in eager PyTorch; `target` is 1 where the logits are to be judged real, else 0."""
    if kind == "non_saturating":
        return F.binary_cross_entropy_with_logits(logits, constant)
    if kind == "least_squares":
        return 0.5 * F.mse_loss(logits, constant)
    sign = 1 - 2 * target
    return F.relu(1 + sign * logits).mean() if kind == "hinge" else sign * logits.mean()


def _score(kind: str, logits: Tensor) -> Tensor:
    return (logits.sigmoid() if kind == "non_saturating" else logits).mean()


class _EagerLoss(nn.Module):
    """Both losses in eager PyTorch, with or without the statistics that a log wants."""

    real: Tensor
    fake: Tensor

    def __init__(self, workload: Workload, statistics: bool) -> None:
        super().__init__()
        self.kind, self.statistics = workload.kind, statistics
        self.discriminator = workload.op == "discriminator_loss"
        self.threshold = 0.5 if workload.kind == "least_squares" else 0.0
        self.register_buffer("real", torch.ones(workload.shape))
        self.register_buffer("fake", torch.zeros(workload.shape))

    def forward(self, *logits: Tensor) -> tuple[Tensor, Tensor | None]:
        kind, fake = self.kind, logits[-1]
        if self.discriminator:
            loss = _loss_of(kind, logits[0], 1, self.real) + _loss_of(kind, fake, 0, self.fake)
        elif kind == "hinge":
            loss = -fake.mean()
        else:
            loss = _loss_of(kind, fake, 1, self.real)
        if not self.statistics:
            return loss, None
        with torch.no_grad():
            if self.discriminator:
                real = logits[0]
                numbers = [
                    _score(kind, real),
                    _score(kind, fake),
                    (real > self.threshold).float().mean(),
                    (fake <= self.threshold).float().mean(),
                ]
            else:
                numbers = [_score(kind, fake), (fake > self.threshold).float().mean()]
            return loss, torch.stack(numbers)


def _loss(w: Workload) -> Case:
    op = getattr(ops, w.op)
    kind = w.kind
    functions: dict[str, Function] = {
        "ours": lambda *logits: op(*logits, kind),
        "eager": _EagerLoss(w, statistics=True),
        "eager, loss alone": _EagerLoss(w, statistics=False),
    }
    sides = 2 if w.op == "discriminator_loss" else 1
    return Case([torch.randn(w.shape) for _ in range(sides)], functions, None)


_BUILDERS: dict[str, Callable[[Workload], Case]] = {
    "batch_norm_act": _batch_norm_act,
    "bias_act": _bias_act,
    "discriminator_loss": _loss,
    "generator_loss": _loss,
    "conv2d_act": _layer,
    "conv_transpose2d_act": _layer,
    "linear_act": _layer,
}
