"""What the monitors look at after a logged step: numbers that are there already. Reading them changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from zoo.engine.step import Step


@dataclass(frozen=True)
class Readings:
    """The numbers of one logged step."""

    step: int
    """Steps done."""
    statistics: Mapping[str, float]
    """What the phases tell: d_loss, g_loss, d_real, d_fake, r1 where it is due, a plugin's own."""
    gradients: Mapping[str, float]
    """The norm of each network's gradients, as its optimizer keeps them: of Adam's first moments, of momentum. Empty where it keeps
    none. A captured step has the same, which its gradients themselves have not."""
    weights: Mapping[str, float]
    """The norm of each network's weights."""
    scale: float | None = None
    """What float16 multiplies the loss with; None in other types."""


def take(step: Step, done: int, statistics: Mapping[str, float]) -> Readings:
    """The readings after `done` steps: a pass over weights and moments, which waits for the device once."""
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    found = {("weights", role): _norm(network.parameters()) for role, network in networks.items()}
    found |= {("gradients", role): _norm(_kept(optimizer)) for role, optimizer in step.optimizers.items()}
    there = {key: norm for key, norm in found.items() if norm is not None}
    read = dict(zip(there, torch.stack([*there.values()]).tolist() if there else (), strict=True))
    scale = step.precision.state_dict().get("scale")
    return Readings(
        done,
        statistics,
        {role: norm for (what, role), norm in read.items() if what == "gradients"},
        {role: norm for (what, role), norm in read.items() if what == "weights"},
        None if scale is None else float(scale),
    )


_MOMENTS = ("exp_avg", "square_avg", "momentum_buffer")
"""What optimizers keep of gradients: Adam; RMSprop, the mean of squares; SGD with momentum."""


def _kept(optimizer: Optimizer) -> list[Tensor]:
    """An average of the gradients for each weight, of the same norm as they have about; none where none is kept."""
    found = []
    for state in optimizer.state.values():
        name = next((name for name in _MOMENTS if isinstance(state.get(name), Tensor)), None)
        if name is not None:
            found.append(state[name].sqrt() if name == "square_avg" else state[name])
    return found


@torch.no_grad()
def _norm(tensors: Iterable[Tensor]) -> Tensor | None:
    """The root of the sum of all squares; None where there are no tensors."""
    found = [tensor for tensor in tensors if tensor.is_floating_point()]
    if not found:
        return None
    norms: Tensor = torch.stack([norm.float() for norm in torch._foreach_norm(found)]).norm()
    return norms
