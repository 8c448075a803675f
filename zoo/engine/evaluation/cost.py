"""How much arithmetic an evaluation takes beside that of the steps between two, and so how many samples it judges.

No clock is asked: the number follows from networks, options and data alone, so that a run has the same scores wherever it is
trained and however often it is stopped. Arithmetic is counted in multiply-adds; each number that a layer gives counts as `PASS` of
them, for the memory that it goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from zoo.engine.build import TrainingState
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.evaluate.measures.extrapolation import PIECES, parts_of
from zoo.nn.modes import evaluating

SHARE = 0.02
"""What evaluations may take of the training's arithmetic."""

CAUTION = 2.0
"""How many times as much time as counted an evaluation may take: its layers are seldom as fast as those of a training step."""

PASS = 64.0
"""Multiply-adds in the time of which a number goes through memory."""

FEWEST = 256
"""Samples that are judged at least, however much time that takes: fewer tell nothing."""

ROUND = 64
"""Samples are a multiple of it: as many are drawn at a time."""


def samples_for(budget: float, cost: Callable[[int], float], most: int) -> int:
    """How many samples can be judged for `SHARE` of `budget` multiply-adds, where so many cost so much: `FEWEST` to `most`."""
    fewest = min(FEWEST, most)
    tried = (most, *range(most - most % ROUND, fewest, -ROUND))
    return next((count for count in tried if share_of(cost(count), budget) <= SHARE), fewest)


def share_of(cost: float, budget: float) -> float:
    """What share of the training's arithmetic so much is, `CAUTION` included."""
    return CAUTION * cost / max(budget, 1.0)


def metric_cost(name: str, samples: int, real: int, dimension: int, training: int = 0) -> float:
    """Multiply-adds that a metric of features takes beside them, about, without what it computes once: of ``frechet`` some
    eigenvalue problems; of ``kid`` the pairs of samples and real images; of ``copies`` these, and those of samples and training
    images, which `training` numbers are; of any other the distances between all pairs."""
    if name == "frechet":
        return frechet_cost(samples, real, dimension)
    if name == "copies":
        return 8.0 * samples * (dimension * real + training)
    return 8.0 * dimension * real * (samples if name == "kid" else real)


def frechet_cost(samples: int, real: int, dimension: int) -> float:
    """That of the Fréchet distance: to all real images and to both halves with their errors, and of parts of either."""
    rank = min(samples, dimension)
    with_error = 2 * _eigen(rank) + rank * dimension * (dimension + 2.0 * samples)
    whole = 3 * with_error + 2.0 * rank * dimension * (2 * real)
    count = min(samples, real)
    parts = parts_of(count, count, dimension)
    if parts < 2:
        return whole
    pieces = min(PIECES, -(-max(samples, real) // count))
    return whole + 2.0 * samples * dimension**2 + pieces * (1 + parts) * (_eigen(dimension) + 3.0 * dimension**3)


def _eigen(size: int) -> float:
    """Of the eigenvalues of a symmetric matrix; small ones are slow."""
    return 8.0 * size**3 + 8000.0 * size**2


def cost_of_steps(state: TrainingState, steps: int) -> float:
    """Multiply-adds of so many training steps, about: a pass back takes as many again for what it gives to weights, and as many
    for what it gives to the layer before."""
    options, step = state.options, state.step
    generator, discriminator = generator_cost(state), discriminator_cost(state)
    real, fake = options.batch_size, options.generator_batch_size or options.batch_size
    each = 0.0
    for phase in step.phases:
        if phase.updates == "discriminator":
            each += (real * generator + 2 * real * 3 * discriminator) / phase.every
        else:
            each += fake * (3 * generator + 2 * discriminator) / phase.every
    return steps * options.accumulate * each


def generator_cost(state: TrainingState) -> float:
    """Multiply-adds of one image that the generator draws."""
    network = state.sampling_generator
    inputs = (torch.zeros(2, state.options.latent, device=state.batches.device), *_labels(state))
    return _evaluated(network, inputs, state) / 2


def discriminator_cost(state: TrainingState) -> float:
    """Multiply-adds of the discriminator's pass over one image."""
    spec = state.batches.loader.store.spec
    inputs = (torch.zeros(2, *spec.shape, device=state.batches.device), *_labels(state))
    return _evaluated(state.step.discriminator, inputs, state) / 2


def _evaluated(network: nn.Module, inputs: tuple[Tensor, ...], state: TrainingState) -> float:
    with random_numbers_kept(state.batches.device), evaluating(network), torch.no_grad():
        return count(network, lambda: network(*inputs))


def _labels(state: TrainingState) -> tuple[Tensor, ...]:
    return (torch.zeros(2, dtype=torch.int64, device=state.batches.device),) if state.step.classes else ()


def count(network: nn.Module, call: Callable[[], object]) -> float:
    """Multiply-adds of what `call` does with the layers of a network, memory included. What is computed outside of layers is not
    seen."""
    found: list[float] = []
    with ExitStack() as hooks:
        for layer in _layers(network):
            handle = layer.register_forward_hook(lambda layer, given, result: found.append(_cost(layer, given, result)))
            hooks.callback(handle.remove)
        call()
    return sum(found)


def _layers(network: nn.Module) -> Iterable[nn.Module]:
    """Those that have no others within them."""
    return [layer for layer in network.modules() if not any(True for _ in layer.children())]


def _cost(layer: nn.Module, given: tuple[object, ...], result: object) -> float:
    """Of one call of a layer."""
    if not isinstance(result, Tensor):
        return 0.0
    weight = getattr(layer, "weight", None)
    passing = PASS * result.numel()
    if not isinstance(weight, Tensor) or weight.ndim < 2 or isinstance(layer, nn.Embedding):
        return passing
    # Of a convolution each weight counts at each place of the result, of a transposed one at each of what it is given.
    wide = (
        given[0] if "transpose" in type(layer).__name__.lower() and given and isinstance(given[0], Tensor) else result
    )
    places = wide.shape[0] * wide[0, 0].numel() if wide.ndim > 2 else len(wide)
    return float(weight.numel() * places) + passing
