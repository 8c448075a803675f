"""What is trained in every contender: the networks, the batch, the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TRAINING: Mapping[str, Any] = {
    "objective": "non_saturating", "reuse_fakes": True, "joined": False, "evaluate_fakes": False, "r1": 0.0, "ema": 0.0,
    "optimizer": "adam", "learning_rate": 2e-4, "discriminator_learning_rate": 2e-4, "beta1": 0.5, "beta2": 0.999,
    "epsilon": 1e-8, "epsilon_style": "torch", "schedule": "constant", "schedule_hold": 0.0, "latent": 100,
    "order": "sequential", "generator_batch_size": None, "seed": 0,
}  # fmt: skip
"""The training of the official PyTorch DCGAN example, as options of zoo's, whatever a preset says: both networks learn by Adam at
2e-4 with 0.5, G from D's second look at the fakes that D has just learnt from, and nothing is done beside the two updates."""


@dataclass(frozen=True)
class Workload:
    """An architecture of zoo under a preset, on the embedded digits; `options` are those that the data's size and kind need."""

    name: str
    title: str
    architecture: str
    preset: str
    batch: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def flags(self) -> dict[str, Any]:
        """The options of the run that is measured."""
        return {**TRAINING, **self.options, "batch_size": self.batch}


COLOUR64 = {"size": 64, "channels": 3}
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("dcgan64-b64", "DCGAN, 64×64×3, batch 64", "dcgan", "radford64", 64, COLOUR64),
        Workload("dcgan64-b128", "DCGAN, 64×64×3, batch 128", "dcgan", "radford64", 128, COLOUR64),
        Workload("dcgan28-b64", "DCGAN, 28×28, batch 64", "dcgan", "mnist", 64),
        Workload("cgan28-b64", "conditional DCGAN, 28×28, batch 64", "cgan", "dcgan", 64),
        Workload("dense-b32", "dense GAN, 28×28, batch 32", "vanilla", "dense", 32),
        Workload("dense-b128", "dense GAN, 28×28, batch 128", "vanilla", "dense", 128),
    )
}
"""By name; the first is the one that DCGAN's paper is about, the others are what people start with."""
