"""Chooses where a run computes."""

from __future__ import annotations

import torch

from zoo.errors import OptionError


def available_devices() -> list[str]:
    """The devices of this machine that torch can use, best first."""
    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_device(name: str) -> torch.device:
    """The device that `name` (auto, cpu, mps, cuda, cuda:N) means here. Raises OptionError for one that is not here."""
    here = available_devices()
    if name == "auto":
        return torch.device(here[0])
    if name in here or (name == "cuda" and "cuda:0" in here):
        return torch.device(name)
    raise OptionError(f"--device {name}: torch {torch.__version__} finds none here; devices here: {', '.join(here)}")
