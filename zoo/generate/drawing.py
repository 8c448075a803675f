"""One request for pictures, with everything decided: what each of them is drawn from, by its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.generate.plan import Plan
from zoo.generate.samples import Samples
from zoo.generate.sampling import BATCH

Rows = Callable[[int, int], Tensor]
"""Latents `start` to `stop`, float32 (stop - start, size); asked for forwards."""


@dataclass(frozen=True)
class Drawing:
    """Pictures `first` to `last` (not included) of a plan."""

    plan: Plan
    first: int
    last: int
    latents: Rows
    """Of the pictures, by place."""
    chosen: Tensor | None = None
    """Which candidates are kept, where a ranking chose: int64 (keep,)."""

    def labels(self, start: int, stop: int) -> Tensor | None:
        """The classes of some pictures, int64; None where there are none."""
        return self.plan.labels(self._candidates(start, stop))

    def seeds(self, start: int, stop: int) -> list[int] | None:
        """Their seed numbers, where they have them."""
        return self.plan.seeds(self._candidates(start, stop))

    def _candidates(self, start: int, stop: int) -> Tensor:
        return torch.arange(start, stop) if self.chosen is None else self.chosen[start:stop]

    @property
    def together(self) -> bool:
        """Whether they are drawn in batches: those with seed numbers are drawn one by one."""
        return self.plan.numbers is None

    @property
    def blocks(self) -> Iterator[tuple[int, int]]:
        """What is drawn at a time: the same places in the same batch wherever a drawing begins and ends, as far as there are
        that many. How many are drawn together can change a picture's last bits."""
        if self.last == 1:
            yield 0, 1
            return
        end = self.last if self.chosen is not None or not self.together else self.last + BATCH
        for start in range(self.first - self.first % BATCH, self.last, BATCH):
            yield start, min(start + BATCH, end)


class SampleStream:
    """Drawn pictures in parts, each a `Samples` of up to 64, for as many as do not fit into memory: iterate over it once.

    ``for part in generator.stream(50_000, seed=7): …``; `len` says how many pictures there are in all.
    """

    def __init__(self, drawing: Drawing, draw: Callable[[int, int], Samples]) -> None:
        self.first: int = drawing.first
        """The number of the first picture: `start`."""
        self._drawing = drawing
        self._draw = draw

    def __len__(self) -> int:
        return self._drawing.last - self._drawing.first

    def __iter__(self) -> Iterator[Samples]:
        for start, stop in self._drawing.blocks:
            part = self._draw(start, stop)
            before = max(0, self.first - start)
            yield part[before : self._drawing.last - start]
