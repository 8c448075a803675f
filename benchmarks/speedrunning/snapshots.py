"""What a contender had learnt at some moments: pictures of its generator, in a folder that the judge reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from speedrunning.pictures import as_bytes
from speedrunning.stopwatch import Stopwatch, marks

Draw = Callable[[int], Iterator[Tensor]]
"""So many images in [-1, 1], in batches; the same ones from the same generator."""


@dataclass(frozen=True)
class Snapshot:
    """One moment."""

    step: int
    seconds: float
    pictures: str
    """The name of its file, uint8 (N, H, W, C)."""


class Snapshots:
    """Keeps `count` pictures of the generator as each of the marks is passed."""

    def __init__(self, folder: Path, count: int, seconds: float, per_doubling: int = 4) -> None:
        self.stopwatch = Stopwatch()
        self.seconds = seconds
        self._folder, self._count = folder, count
        self._marks = marks(seconds, per_doubling=per_doubling)
        self._kept: list[Snapshot] = []

    @property
    def due(self) -> bool:
        """Whether a mark is passed."""
        return bool(self._marks) and self.stopwatch.seconds >= self._marks[0]

    @property
    def over(self) -> bool:
        """Whether the last one is."""
        return not self._marks

    def keep(self, step: int, seconds: float, draw: Draw) -> None:
        """The pictures of this moment. No time passes meanwhile."""
        with self.stopwatch.stopped():
            while self._marks and self._marks[0] <= seconds:
                self._marks.pop(0)
            images = np.concatenate([as_bytes(part) for part in draw(self._count)])
            snapshot = Snapshot(step, round(seconds, 2), f"{step:07}.npy")
            np.save(self._folder / snapshot.pictures, images[: self._count])
            self._kept.append(snapshot)
            text = json.dumps([asdict(each) for each in self._kept])
            (self._folder / "snapshots.json").write_text(text, encoding="ascii")


def read_snapshots(folder: Path) -> list[Snapshot]:
    """Those of a worker."""
    return [Snapshot(**each) for each in json.loads((folder / "snapshots.json").read_text(encoding="ascii"))]
