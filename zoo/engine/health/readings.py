"""What the monitors look at after a logged step: numbers that are there already. Reading them changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.engine.step import Step


@dataclass(frozen=True)
class Readings:
    """The numbers of one logged step."""

    step: int
    """Steps done."""
    statistics: Mapping[str, float]
    """What the phases tell: d_loss, g_loss, d_real, d_fake, r1 where it is due, a plugin's own."""
    gradients: Mapping[str, float]
    """The norm of each network's gradients, as its last phase has left them; empty where a captured step holds them."""
    weights: Mapping[str, float]
    """The norm of each network's weights."""
    scale: float | None = None
    """What float16 multiplies the loss with; None in other types."""


def take(step: Step, done: int, statistics: Mapping[str, float], captured: bool) -> Readings:
    """The readings after `done` steps: a pass over weights and gradients, which waits for the device."""
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    norms = {role: _norm(network.parameters()) for role, network in networks.items()}
    slopes = {
        role: _norm(each.grad for each in network.parameters() if each.grad is not None)
        for role, network in networks.items()
        if not captured
    }
    scale = step.precision.state_dict().get("scale")
    return Readings(
        done,
        statistics,
        {role: float(norm) for role, norm in slopes.items() if norm is not None},
        {role: float(norm) for role, norm in norms.items() if norm is not None},
        None if scale is None else float(scale),
    )


@torch.no_grad()
def _norm(tensors: Iterable[Tensor]) -> Tensor | None:
    """The root of the sum of all squares; None where there are no tensors."""
    found = [tensor for tensor in tensors if tensor.is_floating_point()]
    if not found:
        return None
    norms: Tensor = torch.stack([norm.float() for norm in torch._foreach_norm(found)]).norm()
    return norms
