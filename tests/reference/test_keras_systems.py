"""The first five systems of docs/architectures.md against Keras: counts, outputs, three training steps. Needs no Keras: the numbers
are stored, and `keras_systems.py` made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from keras_inputs import ROLES, STEPS, SYSTEMS, System
from oracle import store
from replay import step_of
from torch import nn

import zoo
from zoo.data.loader import Batch
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import rate_at, set_rate
from zoo.engine.step import Step
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

ARRAYS, NOTES = store.load(Path(__file__).with_name("keras_systems.npz"))
TOLERANCE = 1e-11
"""Of the largest number of an array, or of 1."""
CHANGE = 1e-10
"""Of the largest change of a weight, or of a millionth: the change is what is left of numbers a thousand times as large."""

systems = pytest.mark.parametrize("system", SYSTEMS.values(), ids=[*SYSTEMS])


# ---- between Keras' layouts and torch's


def to_torch(array: np.ndarray, record: dict[str, Any]) -> np.ndarray:
    """A weight of Keras in the layout of torch's layer: (H, W, in, out) to (out, in, H, W), and for a transposed convolution,
    whose kernel is (H, W, out, in), to (in, out, H, W); (in, out) to (out, in); what was flattened from (H, W, C) in the order of
    (C, H, W)."""
    if record["leaving"]:
        array = reordered(array, -1, record["leaving"], (2, 0, 1))
    if record["entering"]:
        array = reordered(array, 0, record["entering"], (2, 0, 1))
    return array.transpose({1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[array.ndim])


def to_keras(array: np.ndarray, record: dict[str, Any]) -> np.ndarray:
    """The way back."""
    array = array.transpose({1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[array.ndim])
    for axis, shape in ((-1, record["leaving"]), (0, record["entering"])):
        if shape:
            height, width, channels = shape
            array = reordered(array, axis, (channels, height, width), (1, 2, 0))
    return array


def reordered(array: np.ndarray, axis: int, shape: tuple[int, ...], order: tuple[int, ...]) -> np.ndarray:
    """An axis that was flattened from `shape`, flattened in another order of its parts."""
    moved = np.moveaxis(array, axis, 0)
    parts = moved.reshape(*shape, *moved.shape[1:])
    rest = range(len(shape), parts.ndim)
    return np.moveaxis(parts.transpose(*order, *rest).reshape(moved.shape), 0, axis)


TORCH = {
    "kernel": "weight", "bias": "bias",
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip


def places(network: nn.Module, records: list[dict[str, Any]]) -> list[str]:
    """The names of our state for Keras' weights, which come in the same order, layer by layer."""
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    assert [name.rpartition(".")[2] for name in names] == [TORCH[record["kind"]] for record in records]
    return names


# ---- putting a system together


class Inputs:
    """Real images and latents in the place of the run's."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.step = 0
        self.updates = "discriminator"

    def batch(self) -> Batch:
        self.updates = "discriminator"
        return Batch(images(self.system, self.step), None)

    def draw(self, count: int) -> torch.Tensor:
        latents = self.system.latents(self.updates, self.step)
        assert len(latents) == count
        self.updates = "generator"
        return torch.from_numpy(latents)


def images(system: System, step: int) -> torch.Tensor:
    return torch.from_numpy(system.images(step)).permute(0, 3, 1, 2).contiguous()


def options_of(system: System) -> Any:
    return resolve(registry().architecture(system.architecture), preset=system.preset, flags=system.flags)[0]


def networks_of(system: System, options: Any = None) -> dict[str, nn.Module]:
    """Both, without dropout, which Keras' numbers are without too; and with the slope of leaky ReLU as a float32, which
    TensorFlow makes of it."""
    height, width, channels = system.image
    spec = zoo.DataSpec(channels, height, width)
    built = build_networks(registry().architecture(system.architecture), options or options_of(system), spec)
    for network in built:
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if hasattr(module, "slope"):
                module.slope = float(np.float32(module.slope))
    return dict(zip(ROLES, built, strict=True))


def started(system: System) -> dict[str, nn.Module]:
    """The networks in float64 with the first weights."""
    networks = networks_of(system)
    for role, network in networks.items():
        network.double()
        records = NOTES[system.name][role]
        state = network.state_dict()
        for place, name in enumerate(places(network, records)):
            record = records[place]
            value = to_torch(system.weight(role, place, record["kind"], tuple(record["shape"])), record)
            state[name] = torch.from_numpy(np.ascontiguousarray(value))
        network.load_state_dict(state)
    return networks


def assemble(system: System) -> tuple[Step, Inputs]:
    options, architecture = options_of(system), registry().architecture(system.architecture)
    networks, inputs = started(system), Inputs(system)
    step = step_of(architecture, options, networks, inputs)
    return step, inputs


def close(name: str, ours: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE, least: float = 1.0) -> None:
    assert ours.shape == expected.shape, name
    assert np.abs(ours - expected).max() <= tolerance * max(least, float(np.abs(expected).max())), name


# ---- the promises


@systems
def test_in_full_width_both_networks_have_as_many_numbers_as_kerass(system: System) -> None:
    options = resolve(registry().architecture(system.architecture), preset=system.preset)[0]
    for role, network in networks_of(system, options).items():
        statistics = [value for name, value in network.named_buffers() if not name.endswith("num_batches_tracked")]
        ours = [sum(value.numel() for value in kind) for kind in (network.parameters(), statistics)]
        assert ours == NOTES[system.name]["counts"][role], role


@pytest.mark.usefixtures("_served")
@pytest.mark.parametrize("mode", ["evaluation", "training"])
@systems
@torch.no_grad()
def test_forward_passes_are_kerass(system: System, mode: str) -> None:
    networks = {role: network.train(mode == "training") for role, network in started(system).items()}
    drawn = networks["generator"](torch.from_numpy(system.latents("discriminator", 0)))
    drawn = drawn.permute(0, 2, 3, 1).numpy()
    if system.name == "2 selu":
        drawn = (drawn[..., 0] + 1) / 2  # of Keras' network, whose images are in [0, 1] and have no channels
    key = f"{system.name}/{mode}"
    close("images", store.short(f"{mode}/images", drawn), ARRAYS[f"{key}/images"])
    judged = networks["discriminator"](images(system, 0)).flatten().sigmoid().numpy()
    close("probabilities", judged, ARRAYS[f"{key}/probabilities"])


@pytest.mark.usefixtures("_served")
@systems
def test_three_training_steps_give_the_losses_and_change_every_weight_as_in_keras(system: System) -> None:
    step, inputs = assemble(system)
    networks = {role: getattr(step, role) for role in ROLES}
    start = {role: {name: value.clone() for name, value in networks[role].state_dict().items()} for role in ROLES}
    compared = 0
    for number in range(STEPS):
        inputs.step = number
        for optimizer in step.optimizers.values():
            set_rate(optimizer, rate_at(step.options, step.options.learning_rate, number, step.options.steps))
        found = step.run(number)
        for loss in ("d_loss", "g_loss"):
            key = f"step {number}/{loss}"
            close(key, found[loss].detach().numpy(), ARRAYS[f"{system.name}/{key}"])
            compared += 1
    for role, place, record, change in changes(system, networks, start):
        key = f"change/{role}/{place}"
        ours = store.short(key, to_keras(change, record))
        close(f"{key} {record['kind']}", ours, ARRAYS[f"{system.name}/{key}"], CHANGE, 1e-6)
        compared += 1
    assert compared + 4 == sum(name.startswith(f"{system.name}/") for name in ARRAYS), "four forward passes elsewhere"


def changes(
    system: System, networks: dict[str, nn.Module], start: dict[str, Any]
) -> Iterator[tuple[str, int, dict[str, Any], np.ndarray]]:
    """Role, place, record and change of every weight and statistic."""
    for role, network in networks.items():
        records, state = NOTES[system.name][role], network.state_dict()
        for place, name in enumerate(places(network, records)):
            yield role, place, records[place], (state[name] - start[role][name]).numpy()


def test_the_layouts_are_each_others_inverses() -> None:
    for shape, entering, leaving in [
        ((12, 5), (2, 3, 2), None), ((5, 12), None, (2, 3, 2)), ((12,), None, (2, 3, 2)), ((2, 3, 4, 5), None, None),
    ]:  # fmt: skip
        record = {"entering": entering, "leaving": leaving}
        array = np.arange(np.prod(shape)).reshape(shape)
        np.testing.assert_array_equal(to_keras(to_torch(array, record), record), array)
    # flattened from (H, W, C) = (1, 2, 3): pixels side by side; torch has the channels one after the other
    assert to_torch(np.arange(6), {"entering": None, "leaving": (1, 2, 3)}).tolist() == [0, 3, 1, 4, 2, 5]


def test_the_preset_drops_what_its_document_drops() -> None:
    options = resolve(registry().architecture("dcgan"), preset="selu")[0]
    discriminator = registry().architecture("dcgan").discriminator(options, zoo.DataSpec(1, 28, 28))
    assert [module.p for module in discriminator.modules() if isinstance(module, nn.Dropout)] == [0.4, 0.4]
