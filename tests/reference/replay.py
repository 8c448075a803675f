"""What the tests of stored numbers share: the engine's own step on given networks and inputs, and what a program imports."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import zoo
from zoo.engine.optim.build import build_optimizer
from zoo.engine.plan import choose_objective
from zoo.engine.runtime.precision import Precision
from zoo.engine.step import Step

ROLES = ("generator", "discriminator")


def step_of(
    architecture: zoo.Architecture, options: Any, networks: Mapping[str, nn.Module], inputs: Any, classes: int = 0
) -> Step:
    """A step of an architecture as the engine puts it together, but for `inputs`: they give batches, latents and labels.

    The optimisers have a learning rate of 1 until they are given another.
    """
    return Step(
        **networks,
        optimizers={role: build_optimizer(networks[role].parameters(), options, 1.0) for role in ROLES},
        phases=list(architecture.phases(options)),
        objective=choose_objective(architecture, options),
        options=options,
        latents=inputs,
        draw=inputs.batch,
        precision=Precision("float32", torch.device("cpu")),
        classes=classes,
    )


def imported_by(path: Path) -> set[str]:
    """The packages that a program imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found
