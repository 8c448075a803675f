"""IC-GAN on a laptop: each picture is drawn after the coarse looks of one of the training's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from zoo_plugins.dcgan import LITTLE, MEDIUM, PICTURES
from zoo_plugins.icgan.losses import discriminator_loss, generator_loss

import zoo

if TYPE_CHECKING:
    from torch import nn

FEATURES = 96
LATENT = 1 + FEATURES + 63

FEW = 100
"""Of fewer pictures, drawing after one of them is drawing it again."""

REASON = "each is drawn after what one of yours looks like from afar"

PRESET_REASONS = {
    "sprites": f"{REASON}: tuned for colour, pictures this small and ten minutes on two CPU cores",
    "small": f"{REASON}: tuned for colour and ten minutes on two CPU cores",
    "medium": f"{REASON}: for an hour on a GPU (none has seen it yet)",
    "large": f"{REASON}: for large pictures and a GPU (none has seen it yet)",
}
"""Why a preset suits the pictures that it is chosen for."""

FIRST_SHAPES = {"sprites": 500, "small": 500}
"""Steps after which something is to be seen, where it was looked at."""

SMALL: dict[str, Any] = dict(PICTURES["small"], latent=LATENT, r1=8.0, steps=12000)
"""DCGAN's, with a stronger penalty: what G is given makes its pictures varied, and D's slope may be held lower."""


class ICGAN(zoo.Architecture):
    """Instance-conditioned GAN (after Casanova et al. 2021): G is given what a training picture looks like from afar.

    DCGAN's networks. D sees images alone; that G's have the features which it was given, a term of its loss sees to.
    """

    name = "icgan"
    rectangles = True

    class Options(zoo.Options):
        width: Annotated[int, Field(ge=1)] = 64
        """Channels of the layer next to the image; they double with every halving of its size, up to eight times as many."""
        instances: Annotated[int, Field(ge=1, le=100_000)] = 4096
        """How many training pictures G stores the features of, the first ones that it sees."""
        features: Annotated[int, Field(ge=1)] = FEATURES
        """Features of a picture: so many of the lowest coefficients of its discrete cosine transform. There are 64 in each channel,
        and two fewer than numbers of a latent at most, of which the default takes what there are."""
        jitter: Annotated[float, Field(ge=0)] = 0.1
        """How far from a picture's features G is to draw (standard deviation): more for pictures that are newer, and worse."""
        consistency: Annotated[float, Field(ge=0)] = 0.5
        """Weight of the mean squared error between the features of G's images and those that they are to have."""

        @model_validator(mode="after")
        def _latents_fit(self) -> ICGAN.Options:
            if self.latent < 3:
                raise ValueError(
                    f"a latent has a number for a picture, some for its features and some for the rest, and latent is "
                    f"{self.latent}; give --latent {LATENT}"
                )
            if FEATURES != self.features > self.latent - 2:  # as many as fit, where nobody asks for more or fewer
                raise ValueError(
                    f"of a latent of {self.latent} numbers {self.latent - 2} at most can be for features, and features is "
                    f"{self.features}; give --latent {self.features + LATENT - FEATURES}"
                )
            if self.latent_distribution != "normal":
                raise ValueError(
                    f"pictures are chosen by normal numbers, and latent-distribution is {self.latent_distribution}; leave it out"
                )
            return self

    presets = {
        "sprites": dict(SMALL, steps=30000),
        "small": SMALL,
        "medium": dict(PICTURES["medium"], latent=LATENT, r1=8.0),
        "large": dict(PICTURES["large"], latent=LATENT, r1=20.0),
    }
    preset_notes = {
        "sprites": "The preset small for up to 32 pixels, whose steps cost a third: more of them in the same ten minutes.",
        "small": "Tuned for colour, 64 pixels, two CPU cores and ten minutes.",
        "medium": "The same at full width, for 64 to 128 pixels and an hour on a GPU; no GPU has seen it yet.",
        "large": "The same for 256 pixels and a GPU that has a day; no GPU has seen it yet.",
    }
    default_preset = "small"

    def sizes(self, options: Options) -> Sequence[int]:
        return range(8, 257)

    def preset_for(self, data: zoo.DataSpec, device: str = "cpu") -> str:
        side = max(data.height, data.width)
        if device == "cuda":
            return "medium" if side <= MEDIUM else "large"
        return "sprites" if side <= LITTLE else "small"

    def recommendation(self, data: zoo.DataSpec, count: int, device: str = "cpu") -> zoo.Recommendation | None:
        little_and_grey = data.channels == 1 and max(data.height, data.width) <= LITTLE
        if data.points or little_and_grey or count < FEW:
            return None
        preset = self.preset_for(data, device)
        return zoo.Recommendation(preset, PRESET_REASONS[preset], strength=0.55, first_shapes=FIRST_SHAPES.get(preset))

    def phases(self, options: Options) -> Sequence[zoo.Phase]:
        return [
            *[zoo.Phase("discriminator", discriminator_loss)] * options.discriminator_steps,
            zoo.Phase("generator", generator_loss),
        ]

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from zoo_plugins.icgan.features import max_features
        from zoo_plugins.icgan.generator import Generator

        features = min(options.features, max_features(data.channels), options.latent - 2)
        return Generator(options.latent, data.shape, options.width, options.instances, features, options.jitter)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        from torch import nn
        from zoo_plugins.dcgan import radford

        return nn.Sequential(radford.discriminator(data.channels, data.shape[1:], options.width), nn.Flatten(0))


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(ICGAN)
