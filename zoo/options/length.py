"""How long a run trains, and on how many images at a time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.options.base import Group, Rate

LENGTHS = ("steps", "epochs", "kimg")
"""The units in which a length can be given: one of them is in force."""


def unit(options: LengthOptions) -> str:
    """The unit in which the length in force is given."""
    return next((name for name in LENGTHS[1:] if getattr(options, name) is not None), "steps")


class LengthOptions(Group):
    """How long a run trains, and on how many images at a time."""

    steps: Annotated[int, Field(ge=1, le=10**9)] = 5000
    """Training steps."""
    epochs: Rate | None = None
    """Length in passes over the data; where it is given it takes the place of --steps."""
    kimg: Rate | None = None
    """Length in thousands of real images shown to the discriminator, as papers state it; it takes the place of --steps."""
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 64
    """Real images in each discriminator update."""
    generator_batch_size: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Images drawn in each generator update; by default as many as --batch-size."""
    accumulate: Annotated[int, Field(ge=1, le=4096)] = 1
    """Batches whose gradients are added up before each update."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything random: weights, latents, order of the data, dropout."""
