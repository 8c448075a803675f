"""What goes into the systems that were written for Keras: first weights, images and latents, the same on every machine.

Arrays are laid out as Keras has them: images (N, H, W, C), kernels (H, W, in, out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from oracle.draws import Array, Draws

STEPS = 3
ROLES = ("generator", "discriminator")


@dataclass(frozen=True)
class System:
    """A system that was written for Keras. `options`: what is not as the preset has it, so that it is proven in a second."""

    name: str
    architecture: str
    preset: str
    latent: int
    image: tuple[int, int, int]
    """Height, width, channels."""
    batch_size: int
    generator_batch_size: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def flags(self) -> dict[str, Any]:
        """The options to give beside the preset."""
        return {"batch_size": self.batch_size, "generator_batch_size": self.generator_batch_size} | self.options

    def images(self, step: int) -> Array:
        """The real images of a step: 256 levels in [-1, 1)."""
        draws = Draws(f"{self.name} images {step}")
        return draws.integers(256, self.batch_size, *self.image) / 128.0 - 1.0

    def latents(self, updates: str, step: int) -> Array:
        """The latents of the fakes that one network learns from in a step."""
        count = self.batch_size if updates == "discriminator" else self.generator_batch_size
        return Draws(f"{self.name} latents {updates} {step}").bell(count, self.latent)

    def weight(self, role: str, place: int, kind: str, shape: tuple[int, ...]) -> Array:
        """A first weight, by its place in the network. Nothing is 0 or 1 that could hide a mistake; kernels keep the signal's
        size."""
        draws = Draws(f"{self.name} {role} {place}")
        if kind == "moving_variance":
            return 0.5 + draws.uniform(*shape)
        values = 2 * draws.uniform(*shape) - 1
        if kind == "kernel":
            return values * 2 * 0.5 ** round(np.log2(np.prod(shape[:-1])) / 2)
        return values / 4 + (kind == "gamma")


SYSTEMS = {
    system.name: system
    for system in (
        System("1 dense", "vanilla", "dense", 100, (28, 28, 1), 16, 32),
        System("2 selu", "vanilla", "selu", 30, (28, 28, 1), 32, 32),
        System("3 upsample", "dcgan", "upsample", 100, (28, 28, 1), 6, 6),
        System("4 selu", "dcgan", "selu", 100, (28, 28, 1), 6, 6),
        System("5 tf64", "dcgan", "tf64", 100, (64, 64, 3), 6, 6, {"width": 4}),
        System("5 tf64_as_printed", "dcgan", "tf64_as_printed", 100, (64, 64, 3), 6, 6, {"width": 4}),
    )
}
