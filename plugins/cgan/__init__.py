"""cGAN: draws the class it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from zoo_plugins.dcgan import DCGAN, DIGITS, PICTURE_NOTES, PICTURES, RADFORD64, ConvolutionalOptions, Networks

import zoo

if TYPE_CHECKING:
    from torch import nn


FEW = 20
"""Classes up to which planes of labels do well."""

ENOUGH = 100
"""Images of each class, on average, from which each can be learnt."""

DROPOUT = 0.5
"""The paper's; `width` has no such check, as a preset for convolutions may lie under ``--networks mlp``."""


class ConditionalGAN(DCGAN):
    """Conditional GAN (Mirza & Osindero 2014): both networks also see the label."""

    name = "cgan"
    conditional = True
    smallest_batch = 1  # under every preset what is normalised are planes, or nothing

    class Options(ConvolutionalOptions):
        networks: Literal[Networks, "mlp"] = "dcgan"  # type: ignore[assignment]  # one more than DCGAN has
        """Which networks: those of dcgan of that name, with the label as a further input, or the paper's own dense ones (mlp)."""
        width: Annotated[int, Field(ge=1)] = 64
        """Channels of the layer next to the image; they double with every halving of its size, up to eight times as many. (The
        dense layers of mlp have their own widths.)"""
        dropout: Annotated[float, Field(ge=0, lt=1)] = DROPOUT
        """mlp: share of the hidden units that are left out at random in each pass of a training."""

        @model_validator(mode="after")
        def _has_layers_to_drop_out_of(self) -> ConditionalGAN.Options:
            if self.dropout != DROPOUT and self.networks != "mlp":
                raise ValueError(
                    f"dropout is for networks mlp, and these are {self.networks}; leave it out, or give --preset mlp"
                )
            return self

    presets = {
        "dcgan": dict(DIGITS, r1=0.0, steps=6000, samples=100),
        **{name: dict(preset, samples=100) for name, preset in PICTURES.items()},
        "dcgan64": dict(RADFORD64),
        "mlp": dict(
            networks="mlp", latent=100, latent_distribution="unit", batch_size=100, optimizer="sgd", learning_rate=0.1,
            schedule="exponential", schedule_decay=1.00004, minimum_learning_rate=1e-6, momentum=0.5,
            final_momentum=0.7, momentum_steps=125000, ema=0.0, steps=30000, samples=100,
        ),
    }  # fmt: skip
    preset_notes = {
        "dcgan": "dcgan's preset for digits, conditional: labels join the latent as a one-hot vector, the image as planes.",
        **{name: f"dcgan's preset of that name, with labels. {note}" for name, note in PICTURE_NOTES.items()},
        "dcgan64": "dcgan's radford64 with biases, conditional in the same way.",
        "mlp": "Mirza & Osindero 2014, section 4.1: dense layers, maxout, dropout, SGD. Where the paper is silent: dropout on "
        "hidden layers and momentum rising over 125,000 updates, as in the code of the GAN it builds on; weights as PyTorch "
        "draws them. G's variety comes from dropout more than from the latent: drawn without it, a class is one digit.",
    }
    default_preset = "dcgan"

    def sizes(self, options: Options) -> Sequence[int] | None:
        return None if options.networks == "mlp" else super().sizes(options)

    def recommendation(self, data: zoo.DataSpec, count: int, device: str = "cpu") -> zoo.Recommendation | None:
        if not 2 <= data.classes <= FEW or count < ENOUGH * data.classes or data.points:
            return None
        reason = f"few classes of {ENOUGH} pictures or more each, on average: it draws the class that it is asked for"
        return zoo.Recommendation(self.preset_for(data, device), reason, strength=0.6)

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks != "mlp":
            return super().generator(options, data)
        from zoo_plugins.cgan import mlp

        return mlp.Generator(options.latent, data.classes, data.shape, options.dropout)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks != "mlp":
            return super().discriminator(options, data)
        from zoo_plugins.cgan import mlp

        return mlp.Discriminator(data.classes, data.shape, options.dropout)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(ConditionalGAN)
