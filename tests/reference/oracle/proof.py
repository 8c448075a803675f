"""The oracle's own proof: every formula it contains is held against something that does not share it.

Gradients and second derivatives: central differences of the values in real arithmetic (to some 1e-9) and steps into the
complex plane (to rounding), along random directions. Convolutions, running statistics and Adam: their definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from oracle import games, layers, networks
from oracle.adam import Adam
from oracle.cases import Case, all_cases
from oracle.complex_step import Arrays, along
from oracle.draws import Array, Draws
from oracle.games import GAMES, Game
from oracle.networks import Network
from oracle.normalisation import Running, Setting, batch_norm_act

Value = Callable[[Arrays], Array]


class UnprovenError(Exception):
    """Two ways to the same number disagree."""


def prove() -> None:
    """Raises UnprovenError."""
    for case in all_cases():
        _case(case)
    for game in GAMES:
        _turns(game)
    _convolutions()
    _running_statistics()
    _evaluation()
    _adam()


def _case(case: Case) -> None:
    """First derivatives of Σ dy·y or of the loss, second derivatives by way of the penalty."""
    point = case.inputs | case.upstream

    def value(at: Arrays) -> Array:
        found = case.forward(at)
        return (at["dy"] * found["y"]).sum() if case.upstream else found["loss"]

    def penalty(at: Arrays) -> Array:
        return sum((gradient**2).sum() for gradient in case.backward(at).values()) / 2

    found = case.outputs()
    gradients = {name[2:]: array for name, array in found.items() if name.startswith("d ")}
    _slopes(case.name, value, point, gradients, case.condition, kinks=case.kinks)
    if case.second:
        seconds = {name[3:]: array for name, array in found.items() if name.startswith("dd ")}
        _slopes(f"{case.name}, second derivatives", penalty, point, seconds, case.condition, kinks=case.kinks)


def _turns(game: Game) -> None:
    """Both networks' gradients in the first step, through every layer."""
    play = games.Play(game)
    generator, discriminator = play.networks["generator"], play.networks["discriminator"]
    draws = Draws(f"proof of {game.name}")
    labels = draws.integers(game.classes, game.batch_size).astype(float) if game.classes else None
    latents, real = draws.bell(game.batch_size, game.latent), draws.bell(game.batch_size, *game.image) / 4

    def with_state(network: Network, state: Arrays) -> Network:
        return replace(network, state=network.state | state)

    def of_discriminator(state: Arrays) -> tuple[Array, Arrays]:
        fakes = with_state(generator, {}).forward(latents, labels)[0]
        judge = with_state(discriminator, state)
        loss, _, gradients = games.discriminator_turn(game, judge, real, fakes, labels)
        return loss, gradients

    def of_generator(state: Arrays) -> tuple[Array, Arrays]:
        artist = with_state(generator, state)
        fakes, memory = artist.forward(latents, labels)
        loss, dimages = games.generator_turn(game, with_state(discriminator, {}), fakes, labels)
        return loss, artist.backward(dimages, memory)[1]

    for turn, network in ((of_discriminator, discriminator), (of_generator, generator)):
        gradients = turn({})[1]
        start = {name: network.state[name] for name in gradients}
        _slopes(f"{game.name}, {turn.__name__}", lambda at, turn=turn: turn(at)[0], start, gradients)


def _slopes(
    name: str, value: Value, point: Arrays, gradients: Mapping[str, Array], condition: float = 1.0, kinks: bool = False
) -> None:
    """The gradients against the slopes of `value` along two random directions. At kinks only complex steps make sense."""
    draws = Draws(name)
    for _ in range(2):
        direction = {key: draws.bell(*point[key].shape) for key in gradients}
        claimed = sum((gradients[key] * direction[key]).sum() for key in gradients)
        size = sum(np.abs(gradients[key] * direction[key]).sum() for key in gradients)
        exact = along(lambda at: {"value": value(at)}, point, direction)["value"]
        _agree(name, claimed, exact, 1e-12 * condition * (1 + size))
        if not kinks:
            h = 1e-4 / np.sqrt(sum(step.size for step in direction.values()))  # the more moves, the nearer the kinks
            rounding = 2e-15 * abs(value(point)) / h
            _agree(name, claimed, _central(value, point, direction, h), 1e-8 * condition * (1 + size) + rounding)


def _central(value: Value, point: Arrays, direction: Arrays, h: float) -> Array:
    """The slope from four values around the point, with an error of O(h⁴)."""

    def at(t: float) -> Array:
        return value(point | {key: point[key] + t * h * direction[key] for key in direction})

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


def _convolutions() -> None:
    draws = Draws("convolutions")
    for size, kernel, stride, padding in [(7, 3, 2, 1), (8, 4, 2, 1), (5, 3, 1, 0), (4, 4, 1, 0), (6, 3, 2, 1)]:
        x, weight = draws.bell(2, 3, size, size), draws.bell(2, 3, kernel, kernel)
        y = layers.convolution(x, weight, stride, padding)
        expected = np.zeros_like(y)
        for n, o, row, column in np.ndindex(*y.shape):
            for i, a, b in np.ndindex(*weight.shape[1:]):
                under = row * stride + a - padding, column * stride + b - padding
                if all(0 <= place < size for place in under):
                    expected[n, o, row, column] += weight[o, i, a, b] * x[(n, i, *under)]
        _agree("convolution", y, expected, 1e-13 * 100)
        # The transposed convolution is the adjoint of the one with the same weight: ⟨Tz, x⟩ = ⟨z, Cx⟩.
        z = draws.bell(*y.shape)
        back = layers.transposed_convolution(z, weight, stride, padding)
        covered = x[:, :, : back.shape[2], : back.shape[3]]  # a stride can leave the last row and column out
        whole = layers.convolution(covered, weight, stride, padding)
        _agree("transposed convolution", (back * covered).sum(), (z * whole).sum(), 1e-11)


def _running_statistics() -> None:
    draws = Draws("running statistics")
    x, running = draws.bell(6, 3, 2, 2) + 3, Running(draws.bell(3), draws.uniform(3))
    _, after = batch_norm_act(x, None, None, running, Setting(momentum=0.25, groups=2))
    for part in (x[:3], x[3:]):
        rows = part.transpose(1, 0, 2, 3).reshape(3, -1)
        running = Running(running.mean * 0.75 + rows.mean(1) / 4, running.var * 0.75 + rows.var(1, ddof=1) / 4)
    _agree("running mean", after.mean, running.mean, 1e-14 * 10)
    _agree("running variance", after.var, running.var, 1e-14 * 10)


def _evaluation() -> None:
    """In evaluation mode a normalisation is affine, by statistics that stay as they are."""
    draws = Draws("evaluation")
    network = networks.dense_generator(4, (1, 2, 2))
    network.start(draws)
    for name in network.state:
        if "running" in name:
            network.state[name] = draws.uniform(*network.state[name].shape) + 0.5
    before, x = dict(network.state), draws.bell(6, 4)
    whole, _ = network.forward(x, training=False)
    rows = np.concatenate([network.forward(x[row : row + 1], training=False)[0] for row in range(6)])
    _agree("evaluation row by row", whole, rows, 1e-13 * 10)
    y = x
    for place in (0, 2, 4):
        y = y @ before[f"{place}.weight"].T + before[f"{place}.bias"]
        y = np.where(y > 0, y, 0.2 * y) - before[f"{place + 1}.running_mean"]
        y = y / np.sqrt(before[f"{place + 1}.running_var"] + 1e-3)
        y = y * before[f"{place + 1}.weight"] + before[f"{place + 1}.bias"]
    y = np.tanh(y @ before["6.weight"].T + before["6.bias"])
    _agree("evaluation", whole, y.reshape(whole.shape), 1e-12)
    for name, value in before.items():
        _agree(f"{name} after an evaluation", network.state[name], value, 0.0)


def _adam() -> None:
    """Against its moments written out as sums over all steps."""
    for style in ("torch", "keras"):
        draws, rate, state, optimizer = Draws("adam"), 0.25, {"w": np.zeros(5)}, Adam(0.5, 0.9, 0.125, style)
        history: list[Array] = []
        expected = np.zeros(5)
        for step in range(1, 5):
            history.append(draws.bell(5))
            optimizer.step(state, {"w": history[-1]}, rate)
            ages = np.arange(step)[::-1, None]
            mean = (0.5**ages * history).sum(0) / (0.5**ages).sum()
            square = (0.9**ages * np.square(history)).sum(0) / (0.9**ages).sum()
            correction = np.sqrt(1 - 0.9**step) if style == "keras" else 1.0  # Keras adds eps to the root before it
            expected = expected - rate * mean / (np.sqrt(square) + 0.125 / correction)
            _agree(f"{style}'s Adam", state["w"], expected, 1e-14 * 10)


def _agree(name: str, one: Array, other: Array, tolerance: float) -> None:
    difference = float(np.max(np.abs(one - other)))
    if not difference <= tolerance:
        raise UnprovenError(f"{name}: {one} and {other} differ by {difference:.3g}, more than {tolerance:.3g}")
