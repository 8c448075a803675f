"""Batches of floats from bytes: zoo's loader, what a step takes, and what one would write with torch's DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from command import say
from torch.utils.data import DataLoader, Dataset

from zoo.bench.measure import Effort, interleaved
from zoo.data.loader import Loader
from zoo.data.store import ImageStore, prepare
from zoo.engine.build import build
from zoo.engine.plan import plan_run

from .sides import Row

WORKLOADS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "dcgan, its default": ("dcgan", None, {}),
    "dcgan radford64, batch 64": ("dcgan", "radford64", {"batch_size": 64}),
    "dcgan radford64, batch 128": ("dcgan", "radford64", {"batch_size": 128}),
    "vanilla dense, batch 32": ("vanilla", "dense", {"batch_size": 32}),
}
"""Architecture, preset and options. Those of radford64 see 5,000 pictures of 64×64×3 from an array, the others the digits."""


class Pictures(Dataset[torch.Tensor]):
    """One picture at a time as torchvision's ToTensor and Normalize(0.5, 0.5) make it: float32 (C, H, W) in [-1, 1]."""

    def __init__(self, images: np.ndarray) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> torch.Tensor:
        image = torch.from_numpy(self._images[index].copy()).permute(2, 0, 1).contiguous()
        return image.to(torch.float32).div(255).sub_(0.5).div_(0.5)


def measure(scratch: Path, rounds: int, quick: bool) -> Iterator[Row]:
    """A row for each workload: a batch by zoo, a step of zoo, the same batch by torch."""
    names = list(WORKLOADS)[:1] if quick else list(WORKLOADS)
    return (row(name, scratch, rounds) for name in names)


def row(name: str, scratch: Path, rounds: int) -> Row:
    say(f"batches: {name}")
    architecture, preset, options = WORKLOADS[name]
    location = colour(scratch) if preset == "radford64" else "digits"
    plan = plan_run(architecture, preset=preset, flags={**options, "data": location, "device": "cpu"})
    store = prepare(plan.source, plan.spec, cache=scratch / "cache")
    state = build(plan, store)
    batch_size = plan.options.batch_size
    loader = Loader(store, batch_size, channels_last=state.batches.loader.channels_last)
    batches = torch_batches(store, batch_size)
    with closing(state.batches):
        calls: dict[str, Callable[[], Any]] = {
            "zoo's loader": counted(loader.batch),
            "a step of zoo": counted(state.step.run),
            "torch's DataLoader": lambda: next(batches),
            "one index into a tensor": vectorised(store, batch_size),
        }
        times = interleaved(calls, Effort(rounds=rounds, seconds=0.0, warm_up=0.05), torch.device("cpu"))
    shape = (batch_size, *plan.spec.shape)
    return Row(f"a batch for {name}, {'×'.join(map(str, shape))}", times)


def counted(function: Callable[[int], Any]) -> Callable[[], Any]:
    """The function with 0, 1, 2, …"""
    number = -1

    def call() -> Any:
        nonlocal number
        number += 1
        return function(number)

    return call


def torch_batches(store: ImageStore, batch: int) -> Iterator[torch.Tensor]:
    """Batches without end, assembled in this thread: worker processes would hide the work, not save it."""
    loader = DataLoader(Pictures(store.images), batch, shuffle=True, drop_last=True)
    while True:
        yield from loader


def vectorised(store: ImageStore, batch: int) -> Callable[[], torch.Tensor]:
    """What one writes by hand when all images fit into memory."""
    images = torch.from_numpy(store.images.copy()).permute(0, 3, 1, 2).contiguous()
    return lambda: images[torch.randint(len(images), (batch,))].float().div_(127.5).sub_(1)


def colour(scratch: Path) -> str:
    """The path of 5,000 random pictures of 64×64×3."""
    path = scratch / "colour.npy"
    if not path.exists():
        np.save(path, np.random.default_rng(0).integers(0, 256, (5000, 64, 64, 3), np.uint8))
    return str(path)
