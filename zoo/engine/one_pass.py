"""Real images and fakes in one pass of D, with the results of two: the weights are read once, and half as many ops are called."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.nn.normalisation import BatchNormAct, in_groups


def judges_halves_apart(discriminator: nn.Module, spec: DataSpec, classes: int, count: int) -> bool:
    """Whether D gives both halves of a batch what it gives each alone, and keeps nothing else of them.

    So it is where all that looks at several images is `zoo.nn.BatchNormAct`, which normalises halves apart, and nothing is
    random. Tried on copies, with other weights than those it begins with (a gate may begin closed), and twice `count` random
    images; `classes` is 0 for a D without labels.
    """
    device = next(discriminator.parameters()).device
    random = torch.Generator().manual_seed(0)
    try:
        apart = copy.deepcopy(discriminator).train()
        for parameter in apart.parameters():
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=random).to(parameter)
        together = copy.deepcopy(apart)
        before = [value.clone() if isinstance(value, Tensor) else value for value in _kept(apart)]
        real, fake = torch.rand(2, count, *spec.shape, generator=random).mul(2).sub(1).to(device)
        labels = (torch.arange(count, device=device) % classes,) if classes else ()
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            one, other = apart(real, *labels), apart(fake, *labels)
            with in_groups(together, 2):
                both = together(torch.cat([real, fake]), *(torch.cat([each, each]) for each in labels))
    except Exception:  # such a D takes batches of one size alone, or cannot be copied, or has another mind of its own
        return False
    kept = list(_kept(apart))
    unmoved = len(before) == len(kept) and all(map(_equal, before, kept))
    return unmoved and _alike(both.flatten(), torch.cat([one.flatten(), other.flatten()]))


def _kept(network: nn.Module) -> Iterator[Any]:
    """What the network holds beside its parameters: buffers, and whatever its passes have left there, but for BatchNormAct's."""
    for module in network.modules():
        if not isinstance(module, BatchNormAct):
            yield from module._buffers.values()
            yield from (value for name, value in vars(module).items() if name not in _OF_EVERY_MODULE)


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


def _equal(before: Any, after: Any) -> bool:
    if isinstance(after, Tensor):
        return isinstance(before, Tensor) and torch.equal(before, after)
    if isinstance(after, list | tuple | dict):  # what tensors are in it cannot be told from before
        parts = after.values() if isinstance(after, dict) else after
        return not any(isinstance(part, Tensor) for part in parts)
    return not isinstance(after, int | float | None) or bool(before == after)


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=1e-4, atol=1e-5)
