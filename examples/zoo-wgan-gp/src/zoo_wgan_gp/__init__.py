"""Wasserstein GANs with a gradient penalty, as a plugin for zoo: the architecture, its options and what it registers.

Gulrajani et al. 2017, Improved Training of Wasserstein GANs, https://arxiv.org/abs/1704.00028. This module is imported by every
``zoo list``; what needs torch or NumPy is imported by the methods that use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

import zoo
from zoo_wgan_gp.drift import WassersteinDrift
from zoo_wgan_gp.swissroll import SwissRoll

if TYPE_CHECKING:
    from torch import nn

zoo_api = ">=1.0,<2"
"""The versions of zoo's plugin interface that this package is written for."""

PAPER = dict(discriminator_steps=5, penalty=10.0, learning_rate=1e-4, beta1=0.0, beta2=0.9)
"""The numbers of the paper's algorithm 1."""


class WGANGP(zoo.Architecture):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017): D is a critic, whose slope is kept near 1."""

    name = "wgan-gp"

    class Options(zoo.Options):
        networks: Literal["convolutional", "dense"] = "convolutional"
        """Which networks: convolutional ones for images, or the dense ones of the paper's toy experiments, for points."""
        width: Annotated[int, Field(ge=1, le=4096)] = 16
        """Channels of the layers next to the image, doubled from there inwards; dense: units of each hidden layer."""
        penalty: Annotated[float, Field(ge=0)] = 10.0
        """Weight of the gradient penalty (λ in the paper); 0 for none."""
        one_sided: bool = False
        """Punish only slopes above 1, instead of every slope that is not 1."""
        critic_norm: Literal["layer", "none"] = "layer"
        """Normalisation in the convolutional critic; batch normalisation would make the penalty meaningless."""

    presets = {
        "digits": dict(
            PAPER, objective="wasserstein_drift", discriminator_steps=1, learning_rate=1e-3, beta2=0.99, latent=16, width=24,
            schedule="linear", schedule_hold=0.5, ema=0.998, steps=8000,
        ),
        "algorithm1": dict(
            PAPER, batch_size=32, learning_rate=1e-3, schedule="linear", schedule_hold=0.4, ema=0.995, steps=6000,
        ),
        "paper32": dict(
            PAPER, width=128, latent=128, generator_batch_size=128, learning_rate=2e-4, schedule="linear", steps=100_000,
        ),
        "toy": dict(
            PAPER, networks="dense", width=128, latent=2, penalty=0.1, learning_rate=1e-3, beta1=0.5, batch_size=256,
            schedule="linear", schedule_hold=0.3, ema=0.99, steps=4000, samples=1024,
        ),
    }  # fmt: skip
    preset_notes = {
        "digits": "For minutes on a CPU, as Karras et al. 2018 use it (appendix A.1): one critic step, the drift term.",
        "algorithm1": "Algorithm 1 of the paper, five critic steps; batches of 32, a rate ten times the paper's at first.",
        "paper32": "The numbers of the paper's CIFAR-10 experiments, on DCGAN's networks instead of residual ones; for a GPU.",
        "toy": "For points, their default. The paper: --width 512 --learning-rate 1e-4; the penalty and beta1 are their code's.",
    }
    default_preset = "digits"
    objective = "wasserstein"
    smallest_batch = 1  # no layer needs a second image

    def preset_for(self, data: zoo.DataSpec) -> str:
        """Points get the dense networks."""
        return "toy" if data.points else "digits"

    def sizes(self, options: Options) -> Sequence[int] | None:
        """Convolutions halve an image down to 4×4 or 7×7; dense layers take any."""
        sides = sorted(first * 2**times for first in (4, 7) for times in range(1, 6))
        return {"convolutional": sides, "dense": None}[options.networks]

    def phases(self, options: Options) -> Sequence[zoo.Phase]:
        """Algorithm 1: `discriminator_steps` updates of the critic, each on a new batch, then one of the generator."""
        from zoo_wgan_gp.penalty import penalised

        critic = zoo.Phase("discriminator", loss=penalised)
        return [*[critic] * options.discriminator_steps, zoo.Phase("generator")]

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        network: nn.Module = _networks(options).generator(options, data)
        return network

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        network: nn.Module = _networks(options).critic(options, data)
        return network


def _networks(options: WGANGP.Options) -> ModuleType:
    """The module that builds both networks."""
    from zoo_wgan_gp import convolutional, dense

    return {"convolutional": convolutional, "dense": dense}[options.networks]


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(WGANGP)


@zoo.hookimpl
def zoo_register_data_sources(register: Callable[[type[zoo.DataSource]], None]) -> None:
    register(SwissRoll)


@zoo.hookimpl
def zoo_register_objectives(register: Callable[[zoo.Objective], None]) -> None:
    register(WassersteinDrift())
