"""Trains a discriminator against a fixed generator, with the engine's own step, and compares it with the best one there is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

import zoo.nn
from zoo.architecture import Phase
from zoo.data.formats.toy import Mixture
from zoo.data.loader import Batch
from zoo.engine.ema import EMA
from zoo.engine.optim.build import build_optimizer
from zoo.engine.optim.schedule import rate_at, set_rate
from zoo.engine.runtime.precision import Precision
from zoo.engine.step import Step
from zoo.generate.latent.latents import Latents
from zoo.objective import Objective
from zoo.options import Options
from zoo.system.streams import stream_seed
from zoo.theory.fixed import FixedGenerator
from zoo.theory.integration import (
    Lattice,
    best_value,
    game_value,
    jensen_shannon,
    log_sigmoid,
    sigmoid,
)

Floats = npt.NDArray[np.float64]

SHARE = 0.99
"""The share of the mass of (p_data + p_g) / 2 that the region carries in which the largest error of D is looked for."""

FRESH = 200_000
"""Points of each density, not seen in training, that the value is estimated from."""

_UNITS = {1: 64, 2: 128}
_LAYERS = 3
_FIRST = 4.0  # scale of the first layer's weights and biases: its kinks then lie as close as narrow modes ask for
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Agreement:
    """How far the trained discriminator is from the theory; every number is in natural units (probabilities, nats)."""

    js: float
    """The Jensen-Shannon divergence of data and generator, integrated: 0 to log 2."""
    best_value: float
    """The value of the game against the best discriminator, 2 JS - 2 log 2, integrated."""
    value: float
    """The value against the trained one, integrated; never above `best_value`."""
    sampled_value: float
    """The same, estimated from fresh points."""
    sampled_error: float
    """The standard error of that estimate."""
    max_error: float
    """The largest |D - p_data / (p_data + p_g)| where `share` of the mass lies."""
    mean_error: float
    """Its mean, weighted with the density (p_data + p_g) / 2."""
    share: float
    """See `SHARE`."""

    @property
    def gap(self) -> float:
        """How much of the value the trained discriminator misses, integrated; 0 or more."""
        return self.best_value - self.value

    @property
    def sampled_gap(self) -> float:
        """The same by the estimate from fresh points; its error is `sampled_error`, and it may be below 0."""
        return self.best_value - self.sampled_value


@dataclass(frozen=True)
class Comparison:
    """The agreement, and what it was computed from, for a picture: values at the lattice's points."""

    agreement: Agreement
    lattice: Lattice
    log_data: Floats
    log_generated: Floats
    logits: Floats

    @property
    def region(self) -> npt.NDArray[np.bool_]:
        """The points where `share` of the mass of both lies, as densely as can be."""
        return self.lattice.carrying(np.exp(self.log_data) + np.exp(self.log_generated), self.agreement.share)

    @property
    def optimum(self) -> Floats:
        """p_data / (p_data + p_g)."""
        return sigmoid(self.log_data - self.log_generated)

    @property
    def trained(self) -> Floats:
        """What the trained discriminator says."""
        return sigmoid(self.logits)


def discriminator(dimensions: int) -> nn.Module:
    """A dense discriminator: points (N, 1, 1, d) to logits (N, 1)."""
    units = _UNITS[dimensions]
    layers: list[zoo.nn.LinearAct] = []
    for inputs in [dimensions, *[units] * (_LAYERS - 1)]:
        layers.append(zoo.nn.LinearAct(inputs, units, activation="leaky_relu", slope=0.2))
    first = layers[0]
    nn.init.normal_(first.weight, 0.0, _FIRST)
    nn.init.uniform_(first.bias, -_FIRST, _FIRST)
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(units, 1))


def train_discriminator(
    data: Mixture,
    generator: FixedGenerator,
    steps: int,
    seed: int = 0,
    batch_size: int = 1024,
    progress: Callable[[int], None] | None = None,
) -> nn.Module:
    """A discriminator trained against the fixed generator for `steps` steps of the engine, each on fresh points of both.

    What comes back is the running average of its weights. `progress` is told how many steps are done.
    """
    options = Options(
        steps=steps, batch_size=batch_size, seed=seed, latent=generator.latent, learning_rate=3e-3, beta1=0.9,
        schedule="cosine", ema=0.999,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "weights"))
        network = discriminator(data.dimensions)
    random = np.random.default_rng(stream_seed(seed, "data"))

    def draw() -> Batch:
        points = data.samples(batch_size, random).astype(np.float32)
        return Batch(torch.from_numpy(points)[:, None, None, :], None)

    step = Step(
        generator=generator,
        discriminator=network,
        optimizers={"discriminator": build_optimizer(network.parameters(), options, options.learning_rate)},
        phases=[Phase("discriminator")],
        objective=Objective("non_saturating"),
        options=options,
        latents=Latents(stream_seed(seed, "latents"), generator.latent),
        draw=draw,
        precision=Precision("float32", torch.device("cpu")),
    )
    ema = EMA(network, options.ema)
    for number in range(steps):
        kimg = number * options.batch_size / 1000
        set_rate(step.optimizers["discriminator"], rate_at(options, options.learning_rate, number, steps, kimg))
        step.run(number)
        ema.update()
        if progress:
            progress(number + 1)
    return ema.network


def compare(data: Mixture, generator: FixedGenerator, network: nn.Module, seed: int = 0) -> Comparison:
    """Compare a discriminator's logits with the best ones, log p_data - log p_g, by integration and on fresh points."""
    lattice = Lattice.around(data, generator.mixture)
    log_p, log_q = data.log_density(lattice.points), generator.mixture.log_density(lattice.points)
    logits = logits_at(network, lattice.points)
    middle = (np.exp(log_p) + np.exp(log_q)) / 2
    error = np.abs(sigmoid(logits) - sigmoid(log_p - log_q))
    js = jensen_shannon(lattice, log_p, log_q)
    random = np.random.default_rng([seed, FRESH])
    real = log_sigmoid(logits_at(network, data.samples(FRESH, random)))
    fake = log_sigmoid(-logits_at(network, generator.mixture.samples(FRESH, random)))
    agreement = Agreement(
        js=js,
        best_value=best_value(js),
        value=game_value(lattice, log_p, log_q, logits),
        sampled_value=float(real.mean() + fake.mean()),
        sampled_error=float(np.sqrt((real.var() + fake.var()) / FRESH)),
        max_error=float(error[lattice.carrying(middle, SHARE)].max()),
        mean_error=lattice.integrate(middle * error),
        share=SHARE,
    )
    return Comparison(agreement, lattice, log_p, log_q, logits)


@torch.no_grad()
def logits_at(network: nn.Module, points: Floats) -> Floats:
    """A discriminator's logits at points (…, d), in float64, of shape (…)."""
    network64 = copy.deepcopy(network).double().eval()
    flat = torch.from_numpy(points.reshape(-1, 1, 1, points.shape[-1]))
    logits: list[Tensor] = [network64(part).reshape(-1) for part in torch.split(flat, _AT_ONCE)]
    return torch.cat(logits).numpy().reshape(points.shape[:-1])
