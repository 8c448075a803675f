"""Networks of a run that somebody else may have trained: built no larger than what its checkpoint has weights for.

Options stand in config.json, where anybody can write a latent of 65,536; how many weights there are stands in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.architecture import Architecture
from zoo.data.spec import DataSpec
from zoo.options import Options
from zoo.run.files import reading
from zoo.system.allocation import bounded
from zoo.system.disk import size

_Make = Callable[[Any, DataSpec], nn.Module]

_TIMES = 8
"""Times the bytes of the weights: weights of half their width there, and what initialisation takes beside them."""

_BESIDE = 64 << 20
"""Bytes beside: constants that are no weights."""


def build_for(
    make: _Make, options: Options, spec: DataSpec, tensors: Mapping[str, torch.Tensor], file: Path
) -> nn.Module:
    """A network whose random weights `tensors`, read from `file`, are to replace at once: nobody else's random numbers change.

    Raises RunError, before memory is touched for it, where the network would be far larger than they are.
    """
    return _build(make, options, spec, sum(tensor.nbytes for tensor in tensors.values()), file)


def _build(make: _Make, options: Options, spec: DataSpec, held: int, file: Path) -> nn.Module:
    about = (
        f"{file} has {size(held)}, and config.json describes a network that is far larger: it asks for tensors in all"
    )
    with torch.random.fork_rng(devices=[]), bounded(_TIMES * held + _BESIDE, about):
        return make(options, spec)


def check_size(architecture: Architecture, options: Options, spec: DataSpec, checkpoint: Path) -> None:
    """Raise RunError where a network of the run would be far larger than its file in the checkpoint."""
    for role, make in (("generator", architecture.generator), ("discriminator", architecture.discriminator)):
        file, held = checkpoint / f"{role}.safetensors", 0
        with suppress(FileNotFoundError), reading(file):  # whoever reads it says so
            held = file.stat().st_size
        _build(make, options, spec, held, file)
