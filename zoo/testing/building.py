"""Builds the networks of an architecture and nothing else: no trial, so that a check can say what is wrong with them."""

from __future__ import annotations

import torch
from torch import nn

from zoo.data.spec import DataSpec
from zoo.engine.runtime.seeds import stream_seed
from zoo.testing.outcome import CheckFailed
from zoo.testing.subject import Subject


def build(subject: Subject, spec: DataSpec) -> tuple[nn.Module, nn.Module]:
    """Both networks, new, with weights drawn from the options' seed. Raises CheckFailed where one is no module."""
    torch.manual_seed(stream_seed(subject.options.seed, "weights"))
    made = []
    for role in ("generator", "discriminator"):
        network = getattr(subject.architecture, role)(subject.options, spec)
        if not isinstance(network, nn.Module):
            raise CheckFailed(f"{role}() returned {type(network).__name__}", "let it return a torch.nn.Module")
        made.append(network)
    return made[0], made[1]
