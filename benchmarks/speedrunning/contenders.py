"""Who runs against whom in the ledger: zoo as it comes, zoo as it was, a plain loop, and another package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BEFORE: dict[str, Any] = {
    "latent": 16, "width": 32, "batch_size": 64, "learning_rate": 2e-3, "discriminator_learning_rate": 1e-3, "beta1": 0.5,
    "beta2": 0.999, "schedule": "linear", "schedule_hold": 0.5, "r1": 0.2, "r1_every": 8, "reuse_fakes": True, "ema": 0.998,
    "augment": (), "flip": False, "steps": 12000,
}  # fmt: skip
"""What dcgan trained digits with before its `mnist` went faster: the line that people gave for pictures in colour names it."""


@dataclass(frozen=True)
class Contender:
    """One of them."""

    name: str
    module: str
    """In `speedrunning`; its `train(data, place, seed, snapshots, contender)` trains."""
    architecture: str | None = None
    """zoo's; None: what zoo chooses for the data by itself."""
    options: Mapping[str, Any] = field(default_factory=dict)
    colour: str = "#666666"
    """In the chart."""
    usual: bool = True
    """Whether it runs where none is named."""


CONTENDERS = {
    each.name: each
    for each in (
        Contender("zoo", "zoo_side", colour="#1a1a1a"),
        Contender("plain PyTorch", "plain_side", colour="#4269a5"),
        Contender("lightweight-gan", "lightweight_side", colour="#d65a14"),
        # What people got before there were presets for pictures in colour.
        Contender(
            "zoo lsgan, untuned", "zoo_side", "lsgan",
            {
                **BEFORE, "preset": "paper", "width": 64, "latent": 100, "learning_rate": 2e-4,
                "discriminator_learning_rate": None, "schedule": "constant", "schedule_hold": 0.0, "r1": 0.0,
                "reuse_fakes": False, "ema": 0.999,
            },
            "#7c3aed", False,
        ),
        # The line that was then the best that one could type for icons.
        Contender(
            "zoo dcgan, digits' preset", "zoo_side", "dcgan",
            {**BEFORE, "preset": "mnist", "width": 24, "latent": 64, "ema": 0.99, "flip": True}, "#2f9e6e", False,
        ),
    )
}  # fmt: skip
"""By name, in the order of tables and charts."""
