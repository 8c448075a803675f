"""Draws latents and labels from a stream of random numbers of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

RANGES = {"uniform": (-1.0, 1.0), "unit": (0.0, 1.0)}
"""Where the uniform distributions lie."""


class Latents:
    """A seeded source of latents.

    Numbers are drawn on the CPU, so that a seed means the same latents on every device.

    seed: any integer in [0, 2^63). size: length of a latent. distribution: "normal", N(0, 1), "uniform", U[-1, 1),
    or "unit", U[0, 1).
    """

    def __init__(self, seed: int, size: int, distribution: str = "normal", device: torch.device | str = "cpu") -> None:
        self.size = size
        self.distribution = distribution
        self.device = torch.device(device)
        self.random = torch.Generator().manual_seed(seed)
        self._pinned = self.device.type == "cuda"  # a copy from other memory would wait for the device

    def begin(self, seed: int) -> None:
        """Draw what a new source of that seed would."""
        self.random.manual_seed(seed)

    def draw(self, count: int) -> Tensor:
        """The next `count` latents, float32 of shape (count, size)."""
        latents = torch.empty(count, self.size, pin_memory=self._pinned)
        if self.distribution in RANGES:
            latents.uniform_(*RANGES[self.distribution], generator=self.random)
        else:
            latents.normal_(generator=self.random)
        return latents.to(self.device, non_blocking=True)

    def labels(self, count: int, classes: int) -> Tensor:
        """The next `count` labels, int64 of shape (count,), each class equally likely."""
        labels = torch.randint(classes, (count,), generator=self.random, pin_memory=self._pinned)
        return labels.to(self.device, non_blocking=True)

    def state_dict(self) -> dict[str, Any]:
        """Where its random numbers are."""
        return {"random": self.random.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.random.set_state(state["random"])
