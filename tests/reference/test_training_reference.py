"""The engine's first training steps against the stored ones: losses, statistics and every weight after every step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracle import games, store
from replay import ROLES, step_of

from zoo.data.loader import Batch
from zoo.data.spec import DataSpec
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import rate_factor, set_rate
from zoo.engine.plan import choose_objective
from zoo.engine.step import Step
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

ARRAYS, NOTES = store.load(Path(__file__).with_name("training.npz"))
GAMES = {game.name: game for game in games.GAMES}
DEFAULTS = [name for name in GAMES if name == GAMES[name].architecture]


class Inputs:
    """A game's inputs in the place of the run's: first weights, batches, latents and labels, as they are asked for."""

    def __init__(self, game: str, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.values = games.Play(GAMES[game]).run().inputs  # large arrays are not stored, but their digests are
        for name, value in self.values.items():
            np.testing.assert_array_equal(store.short(name, value), ARRAYS[f"{game}/in/{name}"])
        self.numbers: dict[str, Iterator[int]] = {}

    def load(self, network: torch.nn.Module, role: str) -> torch.nn.Module:
        """The network with the game's first weights, every one of them."""
        network = network.to(self.dtype)
        start = {name: torch.from_numpy(self.values[f"{role}.{name}"]) for name in network.state_dict()}
        assert len(start) == sum(name.startswith(f"{role}.") for name in self.values)
        network.load_state_dict(start)
        return network

    def batch(self) -> Batch:
        labels = self._next("labels").long() if "labels/0" in self.values else None
        return Batch(self._next("images"), labels)

    def draw(self, count: int) -> torch.Tensor:
        latents = self._next("latents")
        assert len(latents) == count
        return latents

    def labels(self, count: int, classes: int) -> torch.Tensor:
        labels = self._next("drawn labels").long()
        assert len(labels) == count
        assert int(labels.max()) < classes
        return labels

    def spent(self) -> bool:
        return all(f"{what}/{next(numbers)}" not in self.values for what, numbers in self.numbers.items())

    def _next(self, what: str) -> torch.Tensor:
        number = next(self.numbers.setdefault(what, count()))
        return torch.from_numpy(self.values[f"{what}/{number}"]).to(self.dtype)


def options_of(game: str) -> Any:
    """The options that make the engine play this game."""
    notes = NOTES[game]
    same = (
        "size", "channels", "latent", "batch_size", "generator_batch_size", "discriminator_steps", "accumulate",
        "joined", "reuse_fakes", "evaluate_fakes", "learning_rate", "discriminator_learning_rate", "schedule_decay",
        "beta1", "beta2", "epsilon", "epsilon_style", "r1", "r1_every",
    )  # fmt: skip
    flags = {name: notes[name] for name in same} | {"schedule": "inverse_time"}
    if notes["architecture"] != "vanilla":
        flags["width"] = notes["width"]
    if notes["kind"] == "least_squares":
        flags |= notes["targets"]
    return resolve(registry().contribution(notes["architecture"]).value(), flags=flags)[0]


def assemble(game: str, inputs: Inputs) -> Step:
    options, notes = options_of(game), NOTES[game]
    architecture = registry().contribution(notes["architecture"]).value()
    spec = DataSpec(notes["channels"], notes["size"], notes["size"], notes["classes"])
    built = build_networks(architecture, options, spec)
    networks = {role: inputs.load(network, role) for role, network in zip(ROLES, built, strict=True)}
    return step_of(architecture, options, networks, inputs, notes["classes"])


def play(game: str, dtype: torch.dtype) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, our value and the stored one of everything there is after each step."""
    inputs = Inputs(game, dtype)
    step = assemble(game, inputs)
    options = step.options
    rates = options.learning_rate, options.discriminator_learning_rate or options.learning_rate
    compared = 0
    for number in range(games.STEPS):
        for role, rate in zip(ROLES, rates, strict=True):
            set_rate(step.optimizers[role], rate * rate_factor(options, number, options.steps))
        ours = dict(step.run(number))
        for role in ROLES:
            ours |= {f"{role}.{name}": value for name, value in getattr(step, role).state_dict().items()}
        for name, value in ours.items():
            expected = ARRAYS[f"{game}/out/step {number}/{name}"]
            yield name, store.short(f"step {number}/{name}", value.detach().double().numpy()), expected
            compared += 1
    assert compared == sum(name.startswith(f"{game}/out/") for name in ARRAYS)
    assert inputs.spent()


@pytest.mark.usefixtures("_served")
@pytest.mark.parametrize("game", GAMES)
def test_first_steps_in_float64_give_the_stored_numbers(game: str) -> None:
    for name, ours, expected in play(game, torch.float64):
        tolerance = 1e-6 if name in ("d_real", "d_fake") else 1e-11  # the statistics are float32
        assert np.abs(ours - expected).max() <= tolerance * max(1.0, np.abs(expected).max()), name


@pytest.mark.usefixtures("_served")
@pytest.mark.parametrize("game", GAMES)
def test_first_steps_in_float32_give_nearly_the_stored_numbers(game: str) -> None:
    # The root mean square, because Adam's first steps are of one size whatever the gradient's: where rounding carries
    # one of the thousands of dense units over its kink, a weight can differ by a tenth of a step.
    limit = 5e-5 if game == "vanilla" else 2e-6
    for name, ours, expected in play(game, torch.float32):
        assert np.sqrt(np.mean((ours - expected) ** 2)) <= limit * max(1.0, np.abs(expected).max()), name


@pytest.mark.parametrize("game", DEFAULTS)
def test_the_games_named_after_architectures_are_those_played_by_default(game: str) -> None:
    options, architecture = options_of(game), registry().contribution(game).value()
    default = resolve(architecture)[0]
    for name in (
        "joined",
        "reuse_fakes",
        "evaluate_fakes",
        "epsilon_style",
        "discriminator_steps",
        "accumulate",
        "optimizer",
        "weight_decay",
    ):
        assert getattr(options, name) == getattr(default, name), name
    for name in ("learning_rate", "discriminator_learning_rate", "beta1", "beta2", "epsilon", "r1", "r1_every"):
        assert getattr(options, name) == getattr(default, name), name
    objective = choose_objective(architecture, default)
    assert [objective.kind, objective.a, objective.b, objective.c] == [
        NOTES[game]["kind"],
        *NOTES[game]["targets"].values(),
    ]
