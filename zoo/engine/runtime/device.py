"""Chooses where a run computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

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
    if here[0].startswith("cuda"):
        # cuBLAS reads it when it starts, and torch.use_deterministic_algorithms asks for it: a run with --deterministic may come
        # after one without in the same process. (What a program computed before its first run is out of reach.)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if name == "auto":
        return torch.device(here[0])
    if name in here or (name == "cuda" and "cuda:0" in here):
        return torch.device(name)
    raise OptionError(f"--device {name}: torch {torch.__version__} finds none here; devices here: {', '.join(here)}")


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given; a CPU has, always."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Within it torch uses only algorithms that give the same numbers every time, where that is wanted; else the fastest of cuDNN.

    Which are the fastest cuDNN finds out by trying them, for each shape once; those of a training are few.
    """
    before, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if wanted:
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not (wanted or before or torch.backends.cudnn.deterministic)
    try:
        yield
    finally:
        if wanted:
            torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = benchmark
