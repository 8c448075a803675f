"""What a training does about itself when it goes wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.options.base import Group


class HealthOptions(Group):
    """What a training does about itself when it goes wrong."""

    on_trouble: Literal["warn", "stop", "heal"] = "warn"
    """When training goes wrong: warn says so and goes on, stop ends it with the checkpoint from before the trouble as the newest,
    heal goes back to that one and changes one thing (docs: Runs, when a training goes wrong)."""
    heal_times: Annotated[int, Field(ge=1, le=20)] = 3
    """on-trouble heal: how often, before it stops instead."""
    latent_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Another number draws other latents in training, from the same --seed; a run that goes on draws them from there on."""
