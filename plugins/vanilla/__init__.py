"""The first GAN: two dense networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import zoo

if TYPE_CHECKING:
    from torch import nn


class Vanilla(zoo.Architecture):
    """GAN of dense networks (Goodfellow et al. 2014)."""

    name = "vanilla"

    class Options(zoo.Options):
        networks: Literal["dense", "selu", "points"] = "dense"
        """Which dense networks: leaky ReLU and batch normalisation; smaller ones with SELU; for points of toy data."""

    presets = {
        "dense": dict(
            batch_size=16, generator_batch_size=32, joined=True, order="slice",
            schedule="inverse_time", schedule_decay=8e-8, evaluate_fakes=True, epsilon=1e-7, epsilon_style="keras",
            sample_every=100, samples=16, steps=30000,
        ),
        "selu": dict(
            networks="selu", latent=30, batch_size=32, joined=True, evaluate_fakes=True, order="buffer", epochs=50,
            optimizer="rmsprop", learning_rate=1e-3, rho=0.9, epsilon=1e-7, epsilon_style="keras", ema=0.0,
        ),
        "points": dict(
            networks="points", latent=4, batch_size=256, steps=10000, learning_rate=2e-3, beta2=0.99, schedule="linear",
            schedule_hold=0.3, r1=0.01, ema=0.995, samples=1024, sample_every=200, checkpoint_every=2000,
        ),
        "small": dict(
            size=32, batch_size=16, generator_batch_size=32, joined=True, epsilon=1e-7, epsilon_style="keras",
            evaluate_fakes=True, sample_every=250, samples=36, steps=5000,
        ),
    }  # fmt: skip
    preset_notes = {
        "dense": "A Keras program: G 256-512-1024, D 784-392, Adam; each batch a slice from a random place of the data.",
        "selu": "Notes for tf.keras: G 100-150, D 150-100, SELU, images in [0, 1] within the networks, RMSprop.",
        "small": "For pictures in colour and larger ones, at 32×32: the weights of D grow with the square of the pixels.",
        "points": "For toy data (--data line, ring, grid), the default there: three layers of 128; R1, so that no mode is lost.",
    }
    default_preset = "dense"

    def preset_for(self, data: zoo.DataSpec) -> str:
        if data.points:
            return "points"
        return "dense" if data.numel <= 32 * 32 else "small"

    def recommendation(self, data: zoo.DataSpec, count: int) -> zoo.Recommendation | None:
        return zoo.Recommendation("points", "dense networks with R1, made for points", 0.5) if data.points else None

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.vanilla import dense, points, selu

        family = {"dense": dense, "selu": selu, "points": points}[options.networks]
        network: nn.Module = family.generator(options.latent, data)
        return network

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.vanilla import dense, points, selu

        family = {"dense": dense, "selu": selu, "points": points}[options.networks]
        network: nn.Module = family.discriminator(data)
        return network


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(Vanilla)
