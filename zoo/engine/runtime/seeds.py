"""Where the generators are that networks and losses draw random numbers from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class TorchRandom:
    """torch's own generators, of the CPU and of a device, from which networks draw (dropout, say)."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def state_dict(self) -> dict[str, Any]:
        """Where they are."""
        state = {"torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        elif self.device.type == "mps":
            state["mps"] = torch.mps.get_rng_state()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; a device that it knows nothing of, as the run has come from another, is left as it is."""
        torch.set_rng_state(state["torch"])
        if self.device.type == "cuda" and "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"], self.device)
        elif self.device.type == "mps" and "mps" in state:
            torch.mps.set_rng_state(state["mps"])


@contextmanager
def random_numbers_kept(device: torch.device) -> Iterator[None]:
    """Within it numbers are drawn that nobody misses: afterwards torch's generators, Python's and NumPy's are where they were."""
    ours = TorchRandom(device)
    torchs, pythons, numpys = ours.state_dict(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        ours.load_state_dict(torchs)
        random.setstate(pythons)
        np.random.set_state(numpys)
