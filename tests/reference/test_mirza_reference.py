"""cgan's dense networks against the NumPy program of their paper: sizes, outputs, three steps of the engine."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mirza import BATCH, CLASSES, FILE, LATENT, STEPS, Play, short
from oracle import store
from replay import ROLES, imported_by, step_of
from torch import Tensor, nn

from zoo.data.loader import Batch
from zoo.data.spec import DataSpec
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import momentum_at, rate_at, set_momentum, set_rate
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

ARRAYS, _ = store.load(FILE)
SIDE = 28


@cache
def played() -> Play:
    """The program's run: what it drew is drawn again, because it is not stored."""
    return Play().run()


def ours() -> tuple[Any, Any, dict[str, nn.Module]]:
    """The architecture, the preset's options with nothing dropped out, and both networks with the program's weights."""
    architecture = registry().contribution("cgan").value()
    options, _ = resolve(architecture, preset="mlp", flags={"dropout": 0.0})
    built = build_networks(architecture, options, DataSpec(1, SIDE, SIDE, CLASSES))
    networks = dict(zip(ROLES, built, strict=True))
    for role, network in networks.items():
        network.double().load_state_dict({name: torch.from_numpy(w) for name, w in played().start[role].items()})
    return architecture, options, networks


def pictures(levels: np.ndarray) -> Tensor:
    """(N, 784) in [0, 1] to images in [-1, 1]."""
    return torch.from_numpy(levels).reshape(-1, 1, SIDE, SIDE) * 2 - 1


def assert_stored(key: str, value: Tensor) -> None:
    expected, found = ARRAYS[key], short(key, value.detach().double().numpy())
    assert found.shape == expected.shape, key
    assert np.abs(found - expected).max() <= 1e-11 * max(1.0, np.abs(expected).max()), key


def test_the_networks_have_as_many_parameters() -> None:
    for role, network in ours()[2].items():
        assert sum(each.numel() for each in network.parameters()) == int(ARRAYS[f"parameters of the {role}"])


@pytest.mark.usefixtures("_served")
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_both_networks_make_the_stored_outputs(training: bool) -> None:
    inputs, networks = played().inputs, ours()[2]
    labels = torch.from_numpy(inputs["labels"][0])
    with torch.no_grad():
        drawn = networks["generator"].train(training)(torch.from_numpy(inputs["latents"][0]), labels)
        judged = networks["discriminator"].train(training)(pictures(inputs["images"][0]), labels)
    assert_stored("pass/generator", (drawn.flatten(1) + 1) / 2)
    assert_stored("pass/discriminator", judged)


class Inputs:
    """What the program drew for its steps, in the place of the run's data and latents."""

    def __init__(self) -> None:
        inputs = played().inputs
        self.images, self.real = inputs["images"][1:], inputs["labels"][1:]
        self.noise, self.drawn = inputs["latents"][1:], inputs["drawn labels"][:]

    def batch(self) -> Batch:
        return Batch(pictures(self.images.pop(0)), torch.from_numpy(self.real.pop(0)))

    def draw(self, count: int) -> Tensor:
        assert count == BATCH
        return torch.from_numpy(self.noise.pop(0))

    def labels(self, count: int, classes: int) -> Tensor:
        assert (count, classes) == (BATCH, CLASSES)
        return torch.from_numpy(self.drawn.pop(0))


@pytest.mark.usefixtures("_served")
def test_three_steps_give_the_stored_losses_and_weights() -> None:
    architecture, options, networks = ours()
    inputs: Any = Inputs()
    step = step_of(architecture, options, networks, inputs, CLASSES)
    compared = 0
    for number in range(STEPS):
        for optimizer in step.optimizers.values():
            set_rate(optimizer, rate_at(options, options.learning_rate, number, options.steps))
            set_momentum(optimizer, momentum_at(options, number))
        statistics = step.run(number)
        found = {name: statistics[name] for name in ("d_loss", "g_loss")}
        for role, network in networks.items():
            found |= {f"{role}.{name}": value for name, value in network.state_dict().items()}
        for name, value in found.items():
            assert_stored(f"step {number}/{name}", value)
            compared += 1
    assert compared == sum(key.startswith("step ") for key in ARRAYS)
    assert inputs.images == inputs.real == inputs.noise == inputs.drawn == []
    assert (options.batch_size, options.latent) == (BATCH, LATENT)


def test_the_program_needs_numpy_alone() -> None:
    imported = imported_by(FILE.with_suffix(".py"))
    assert imported - {*sys.stdlib_module_names} == {"numpy", "oracle"}


def test_the_program_is_proven_and_still_makes_the_stored_numbers() -> None:
    command = [sys.executable, "-W", "error", str(Path(FILE).with_suffix(".py")), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
