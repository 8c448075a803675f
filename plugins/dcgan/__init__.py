"""DCGAN: convolutional networks that learn to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from zoo_plugins.vanilla import Vanilla

import zoo

if TYPE_CHECKING:
    from torch import nn


TF64: dict[str, Any] = dict(size=64, width=128, batch_size=128, epsilon=1e-7, epsilon_style="keras", steps=25000)

RADFORD64: dict[str, Any] = dict(size=64, batch_size=128, steps=25000)

DIGITS: dict[str, Any] = dict(
    width=32, latent=16, learning_rate=2e-3, discriminator_learning_rate=1e-3, schedule="linear", schedule_hold=0.5, r1=0.2,
    r1_every=8, reuse_fakes=True, ema=0.998, steps=12000,
)  # fmt: skip
"""Digits with other losses or with labels (lsgan, cgan), tuned at Adam's 0.5 and 0.999. DCGAN's own `mnist` goes faster."""

PICTURES: dict[str, dict[str, Any]] = {
    "small": dict(
        width=24, batch_size=16, latent=64, learning_rate=2e-3, discriminator_learning_rate=1e-3, beta1=0.0, beta2=0.99,
        schedule="linear", schedule_hold=0.5, r1=2.0, r1_every=8, reuse_fakes=True, ema=0.999, steps=10000,
    ),
    "medium": dict(
        width=64, batch_size=64, latent=100, learning_rate=2e-3, discriminator_learning_rate=1e-3, beta1=0.0, beta2=0.99,
        schedule="linear", schedule_hold=0.5, r1=2.0, r1_every=8, reuse_fakes=True, ema=0.999, steps=50000,
    ),
    "large": dict(
        size=256, width=64, batch_size=32, latent=128, learning_rate=1e-3, discriminator_learning_rate=5e-4, beta1=0.0,
        beta2=0.99, schedule="linear", schedule_hold=0.5, r1=10.0, r1_every=8, reuse_fakes=True, ema=0.999, steps=100000,
    ),
}  # fmt: skip
"""Pictures in colour, by what there is to compute with: two CPU cores and ten minutes, a GPU and an hour, a GPU and a day."""

PICTURE_NOTES = {
    "small": "Radford's rules at three eighths of their width, tuned for 32 to 64 pixels, two CPU cores and ten minutes.",
    "medium": "The rules at full width with the same training, for 64 to 128 pixels and an hour on a GPU; no GPU has seen it yet.",
    "large": "The same for 256 pixels and a GPU that has a day; no GPU has seen it yet.",
}

LITTLE = 32
"""Grey pictures of up to so many pixels are like digits, for which the default presets are tuned."""

MEDIUM = 128
"""Sides of up to so many pixels are what `medium` is for."""

SUITS: dict[str, tuple[str, int | None]] = {
    "mnist": ("Radford's rules, tuned for small grey pictures and a few minutes on two CPU cores", 300),
    "small": (
        "Radford's rules at three eighths of their width, tuned for colour and ten minutes on two CPU cores",
        800,
    ),
    "medium": ("Radford's rules at full width, for an hour on a GPU (none has seen it yet)", None),
    "large": ("Radford's rules at full width, for large pictures and a GPU (none has seen it yet)", None),
}
"""Why a preset suits the data that it is chosen for, and the steps after which something is to be seen, where it was looked at."""

Networks = Literal["dcgan", "upsample", "selu", "tf64", "tf64_as_printed"]

SIZES: dict[str, range] = {
    "dcgan": range(8, 257),
    "upsample": range(12, 257, 4),
    "selu": range(8, 257, 4),
    "tf64": range(16, 257, 16),
    "tf64_as_printed": range(16, 257, 16),
}
"""The image sizes of each family of networks: each side of an image is one of them."""


class ConvolutionalOptions(zoo.Options):
    """The options of DCGAN's networks, whatever their objective."""

    networks: Networks = "dcgan"
    """Which networks: the paper's rules at any size, or those of a preset of the same name."""
    width: Annotated[int, Field(ge=1)] = 64
    """Channels of the layer next to the image; they double with every halving of its size, up to eight times as many."""
    pooled: bool = False
    """D's last layer is a global average instead of a weighted sum (networks dcgan)."""

    bias: bool = True
    """Biases in the layers that no normalisation follows: G's last, D's first and last (networks dcgan)."""

    @model_validator(mode="after")
    def _are_the_papers_own(self) -> ConvolutionalOptions:
        if self.pooled and self.networks != "dcgan":
            raise ValueError(f"pooled is for networks dcgan; {self.networks} has a last layer of its own, leave it out")
        if not self.bias and self.networks != "dcgan":
            raise ValueError(
                f"no-bias is for networks dcgan; which layers of {self.networks} have biases is fixed, give --bias"
            )
        return self


class DCGAN(zoo.Architecture):
    """Deep convolutional GAN (Radford et al. 2015).

    Strided convolutions in D, transposed ones in G, batch normalisation in both; and the other networks that go by the name.
    """

    name = "dcgan"
    rectangles = True
    pretrained = Path(__file__).parent / "pretrained"

    Options = ConvolutionalOptions

    presets = {
        "mnist": dict(
            width=32,
            latent=16,
            learning_rate=6e-3,
            discriminator_learning_rate=3e-3,
            beta1=0.0,
            beta2=0.99,
            schedule="linear",
            schedule_hold=0.3,
            r1=0.5,
            r1_every=8,
            reuse_fakes=True,
            ema=0.999,
            steps=6000,
        ),
        **PICTURES,
        "radford64": dict(RADFORD64, bias=False),
        "upsample": dict(
            networks="upsample", optimizer="sgd", learning_rate=5e-4, momentum=0.9, nesterov=True, batch_size=128,
            latent_distribution="uniform", joined=True, evaluate_fakes=True, order="sequential", epochs=100,
            sample_every=20, samples=128, ema=0.0,
        ),
        "selu": dict(Vanilla.presets["selu"], latent=100),
        "tf64": dict(networks="tf64", **TF64),
        "tf64_as_printed": dict(networks="tf64_as_printed", **TF64),
    }  # fmt: skip
    preset_notes = {
        "mnist": "Radford's rules at 28×28, tuned for a few minutes on two CPU cores.",
        **PICTURE_NOTES,
        "radford64": "Radford et al. 2015, as published: widths 512-256-128-64, no biases, Adam 2e-4, batch 128.",
        "upsample": '"A Tour of GAN": dense layers, enlarging and pooling instead of strides, tanh throughout, SGD.',
        "selu": "Notes for tf.keras: two convolutions each, SELU in G, dropout in D, RMSprop.",
        "tf64": "Lecture notes' TensorFlow networks as they must have been meant: the four convolutions of D in a chain.",
        "tf64_as_printed": "The same word for word: D's fourth convolution is made but nothing reads it, so D ends at the third.",
    }
    default_preset = "mnist"

    def sizes(self, options: ConvolutionalOptions) -> Sequence[int] | None:
        return SIZES[options.networks]

    def preset_for(self, data: zoo.DataSpec, device: str = "cpu") -> str:
        side = max(data.height, data.width)
        suited = "small" if device != "cuda" else "medium" if side <= MEDIUM else "large"
        little = data.channels == 1 and side <= LITTLE
        return self.default_preset if little or suited not in self.presets else suited

    def recommendation(self, data: zoo.DataSpec, count: int, device: str = "cpu") -> zoo.Recommendation | None:
        if data.points:
            return None
        preset = self.preset_for(data, device)
        reason, first_shapes = SUITS[preset]
        return zoo.Recommendation(preset, reason, strength=0.5, first_shapes=first_shapes)

    def generator(self, options: ConvolutionalOptions, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.dcgan.conditioning import Generator
        from zoo_plugins.dcgan.families import FAMILIES

        classes = data.classes if self.conditional else 0
        build = FAMILIES[options.networks].generator
        more = {} if options.bias else {"bias": False}
        return Generator(build(options.latent + classes, data.channels, data.shape[1:], options.width, **more), classes)

    def discriminator(self, options: ConvolutionalOptions, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.dcgan.conditioning import Discriminator
        from zoo_plugins.dcgan.families import FAMILIES

        classes = data.classes if self.conditional else 0
        build = FAMILIES[options.networks].discriminator
        more = {"pooled": True} if options.pooled else {}
        more |= {} if options.bias else {"bias": False}
        return Discriminator(build(data.channels + classes, data.shape[1:], options.width, **more), classes)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(DCGAN)
