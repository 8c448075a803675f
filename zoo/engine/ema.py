"""The exponential moving average (EMA) of a network's weights, which draws better pictures than the weights of any one step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class EMA:
    """Exponential moving average of a network's parameters and floating-point buffers.

    At each update, average ← d · average + (1 − d) · weights; by default d = min(decay, (1 + n) / (10 + n)) after n updates,
    so that a short run is not held back by its random start. Batch normalisation's running statistics are averaged like
    the weights that they belong to; integer buffers are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0
        ours, theirs = self.network.state_dict(), network.state_dict(keep_vars=True)
        first = {value.data_ptr(): name for name, value in reversed(theirs.items())}  # tied weights count once
        floating = [
            name for name, value in theirs.items() if value.is_floating_point() and first[value.data_ptr()] == name
        ]
        self._averaged: list[Tensor] = [ours[name] for name in floating]
        self._sources: list[Tensor] = [theirs[name].detach() for name in floating]
        others = [name for name, value in theirs.items() if not value.is_floating_point()]
        self._copies = [ours[name] for name in others]
        self._originals = [theirs[name] for name in others]

    @torch.no_grad()
    def update(self, decay: float | None = None) -> None:
        """Take in the network's weights as they are now; `decay` counts in place of the average's own."""
        if decay is None:
            decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averaged, self._sources, 1.0 - decay)
        if self._copies:
            torch._foreach_copy_(self._copies, self._originals)
        self.updates += 1

    @torch.no_grad()
    def begin(self) -> None:
        """Begin anew from the network's weights as they are now."""
        torch._foreach_copy_([*self._averaged, *self._copies], [*self._sources, *self._originals])
        self.updates = 0

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights, and how many updates they hold."""
        return {"weights": self.network.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        ours = self.network.state_dict()
        self.network.load_state_dict({key: state["weights"][key] for key in ours})
        self.updates = int(state["updates"])


def half_life_decay(kimg: float, half_life: float, rampup: float, images: float) -> float:
    """The decay of an update behind so many `images`, for which the average's half-life is `half_life` thousands of images.

    Where `rampup` is not 0, the half-life is at most that share of the `kimg` thousands seen so far (Karras et al. 2020,
    https://arxiv.org/abs/1912.04958).
    """
    if rampup:
        half_life = min(half_life, rampup * kimg)
    return 0.5 ** (images / (1000 * half_life)) if half_life else 0.0
