"""Real images and fakes in one pass of D, with the results of two: the weights are read once, and half as many ops are called."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.nn.normalisation import in_groups


def judges_halves_apart(discriminator: nn.Module, spec: DataSpec, classes: int, count: int) -> bool:
    """Whether D gives both halves of a batch what it gives each alone, and learns the same running statistics of them.

    So it is where all that looks at several images is `zoo.nn.BatchNormAct`, which normalises halves apart, and nothing is
    random. Tried on a copy, with twice `count` random images; `classes` is 0 for a D without labels.
    """
    device = next(discriminator.parameters()).device
    random = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, count, *spec.shape, generator=random).mul(2).sub(1).to(device)
    labels = (torch.arange(count, device=device) % classes,) if classes else ()
    apart, together = copy.deepcopy(discriminator).train(), copy.deepcopy(discriminator).train()
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            one, other = apart(real, *labels), apart(fake, *labels)
            with in_groups(together, 2):
                both = together(torch.cat([real, fake]), *(torch.cat([each, each]) for each in labels))
    except Exception:  # such a D takes batches of one size alone, or has another mind of its own
        return False
    found = [both.flatten(), *together.buffers()]
    wanted = [torch.cat([one.flatten(), other.flatten()]), *apart.buffers()]
    return all(map(_alike, found, wanted))


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=1e-4, atol=1e-5)
