"""Two systems against plain torch.nn: how large their networks are, what they make, three training steps of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import plain_torch
import pytest
import torch
from oracle import store
from plain_torch import FILE, LATENT, SIZE, STEPS, SYSTEMS, Play
from replay import ROLES, imported_by, step_of
from torch import Tensor, nn

from zoo.data.loader import Batch
from zoo.data.spec import DataSpec
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import rate_at, set_rate
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

ARRAYS, NOTES = store.load(FILE)
NAMES = [system.name for system in SYSTEMS]
DATA = DataSpec(3, SIZE, SIZE)

every_system = pytest.mark.parametrize("name", NAMES)


@cache
def played(name: str) -> Play:
    """The plain program's run: what it drew is drawn again, because only digests of it are stored."""
    return Play(SYSTEMS[NAMES.index(name)]).run()


def ours(name: str, **flags: Any) -> tuple[Any, Any, dict[str, nn.Module]]:
    """The architecture, the preset's own options and both networks."""
    architecture = registry().contribution(NOTES[name]["architecture"]).value()
    options, _ = resolve(architecture, preset=name, flags=flags)
    return architecture, options, dict(zip(ROLES, build_networks(architecture, options, DATA), strict=True))


def reduced(name: str) -> dict[str, Any]:
    """What the stored steps differ in from the preset: nothing where they are played at full width."""
    notes = NOTES[name]
    return {"width": notes["unit"], "batch_size": notes["batch_size"]}


def loaded(network: nn.Module, start: dict[str, Tensor]) -> nn.Module:
    """The network in float64 with the plain one's state: as many arrays, of the same shapes, in the same order."""
    network = network.double()
    state = network.state_dict()
    assert [value.shape for value in state.values()] == [value.shape for value in start.values()]
    network.load_state_dict(dict(zip(state, start.values(), strict=True)))
    return network


def images(value: Tensor, low: float) -> Tensor:
    """From a system's own range of pixels to [-1, 1]."""
    return (value - low) * 2.0 / (1.0 - low) - 1.0


def assert_stored(name: str, key: str, value: Tensor, tolerance: float) -> None:
    expected = ARRAYS[f"{name}/{key}"]
    found = plain_torch.short(f"{name}/{key}", value)
    assert found.shape == expected.shape, key
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max()), key


@every_system
def test_the_full_networks_have_as_many_parameters(name: str) -> None:
    for role, network in ours(name)[2].items():
        count = sum(parameter.numel() for parameter in network.parameters())
        assert count == int(ARRAYS[f"{name}/parameters of the {role}"])


@pytest.mark.usefixtures("_served")
@every_system
@pytest.mark.parametrize("mode", ["training", "evaluation"])
def test_both_networks_make_the_stored_outputs(name: str, mode: str) -> None:
    play, low = played(name), SYSTEMS[NAMES.index(name)].low
    networks = {role: loaded(network, play.start[role]) for role, network in ours(name, **reduced(name))[2].items()}
    given = {"generator": play.latents[0].flatten(1), "discriminator": images(play.images[0], low)}
    with torch.no_grad():
        for role, network in networks.items():
            if mode == "evaluation":
                network(given[role])
            made = network.train(mode == "training")(given[role])
            if role == "generator":
                made = low + (made + 1.0) * (1.0 - low) / 2.0
            else:
                made = made.reshape(-1, 1, 1, 1)
            assert_stored(name, f"{mode}/{role}", made, 1e-11)


class Inputs:
    """What the plain program drew for its steps, in the place of the run's data and latents."""

    def __init__(self, name: str) -> None:
        low = SYSTEMS[NAMES.index(name)].low
        self.batches = [images(each, low) for each in played(name).images[1:]]
        self.noise = [each.flatten(1) for each in played(name).latents[1:]]

    def batch(self) -> Batch:
        return Batch(self.batches.pop(0), None)

    def draw(self, count: int) -> Tensor:
        assert count == len(self.noise[0])
        return self.noise.pop(0)


def steps(name: str) -> Iterator[tuple[dict[str, Tensor], dict[str, nn.Module]]]:
    """Statistics and networks after each step of the engine."""
    architecture, options, built = ours(name, **reduced(name))
    networks = {role: loaded(network, played(name).start[role]) for role, network in built.items()}
    assert rate_at(options, options.learning_rate, STEPS, options.steps) == options.learning_rate, "constant"
    inputs: Any = Inputs(name)
    step = step_of(architecture, options, networks, inputs)
    for role in ROLES:
        set_rate(step.optimizers[role], options.learning_rate)
    for number in range(STEPS):
        step.latest.clear()
        yield step.run(number), networks
    assert inputs.batches == inputs.noise == [], "as many batches and latents as the original draws"


@pytest.mark.usefixtures("_served")
@every_system
def test_three_steps_give_the_stored_losses_and_weights(name: str) -> None:
    compared = 0
    for number, (statistics, networks) in enumerate(steps(name)):
        for loss in ("d_loss", "g_loss"):
            assert (loss in statistics) == (f"{name}/step {number}/{loss}" in ARRAYS)
            if loss in statistics:
                assert_stored(name, f"step {number}/{loss}", statistics[loss], 1e-11)
                compared += 1
        for role, network in networks.items():
            plain = played(name).start[role]
            for key, value in zip(plain, network.state_dict().values(), strict=True):
                assert_stored(name, f"step {number}/{role}.{key}", value, 1e-9)
                compared += 1
    assert compared == sum(key.startswith(f"{name}/step ") for key in ARRAYS)


def test_the_steps_of_folder64_are_a_turn_of_each_network_and_one_that_is_skipped() -> None:
    def moved(step: int, role: str) -> bool:
        keys = [f"{role}.{key}" for key, _ in played("folder64").networks[role].named_parameters()]
        return any(
            not np.array_equal(ARRAYS[f"folder64/step {step}/{key}"], ARRAYS[f"folder64/step {step - 1}/{key}"])
            for key in keys
        )

    assert ARRAYS["folder64/step 0/d_loss"] > 0.1
    assert moved(1, "generator")
    assert not moved(1, "discriminator")
    assert ARRAYS["folder64/step 2/d_loss"] <= 0.1
    assert not moved(2, "discriminator")
    assert not moved(2, "generator")
    for role, counts in (("generator", (1, 2, 3)), ("discriminator", (2, 3, 5))):
        keys = [key for key in ARRAYS if f"/{role}." in key and key.endswith("num_batches_tracked")]
        found = {int(key.split("/")[1].split()[1]): int(ARRAYS[key]) for key in keys if key.startswith("folder64/")}
        assert tuple(found.values()) == counts, "running statistics move in every pass, also in a step that is skipped"


@every_system
def test_steps_are_played_at_full_width_or_differ_from_the_preset_in_size_alone(name: str) -> None:
    full, small = ours(name)[1], ours(name, **reduced(name))[1]
    different = {key for key, value in full.model_dump().items() if getattr(small, key) != value}
    assert different <= {"width", "batch_size"}
    assert name != "folder64" or not different


def test_the_program_knows_nothing_of_zoo() -> None:
    imported = imported_by(FILE.with_suffix(".py"))
    assert "zoo" not in imported
    assert {"torch", "oracle"} <= imported


@every_system
def test_the_program_still_makes_the_stored_numbers(name: str) -> None:
    outputs = played(name).outputs
    assert {f"{name}/{key}" for key in outputs} == {key for key in ARRAYS if key.startswith(f"{name}/")}
    for key, value in outputs.items():
        limit = plain_torch.TOLERANCE * max(1.0, float(np.max(np.abs(value))))
        assert np.abs(value - ARRAYS[f"{name}/{key}"]).max() <= limit, key
    assert ours(name)[1].latent == LATENT
