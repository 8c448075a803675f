"""zoo as a person has it: what it chooses for such data, or what a contender names; its own loop, checkpoints, grids and lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor

import zoo
from speedrunning.contenders import Contender
from speedrunning.data import DataSet
from speedrunning.snapshots import Draw, Snapshots
from zoo.engine import train as training
from zoo.engine.build import TrainingState


class TimeIsUpError(Exception):
    """What ends the training before its last step."""


class Watch(zoo.Callback):
    """Makes a snapshot after the first step that ends behind a mark, and after the last step of all."""

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots
        self.state: TrainingState | None = None
        """The networks, once they are made: a callback is not given them."""
        self._steps = 0

    def build(self, *given: Any) -> TrainingState:
        """The engine's own, whose result is kept."""
        self.state = self._build(*given)
        return self.state

    _build = staticmethod(training.build)

    def on_start(self, run: zoo.Run, step: int, steps: int) -> None:
        self._steps = steps

    def on_step(self, step: int) -> None:
        if self.snapshots.due or step == self._steps:
            assert self.state is not None
            self.snapshots.keep(step, self.snapshots.stopwatch.seconds, drawing(self.state))
        if self.snapshots.over:
            raise TimeIsUpError


def drawing(state: TrainingState) -> Draw:
    """Images of the generator that zoo draws with, the averaged one. No random number of the training is drawn."""

    @torch.no_grad()
    def draw(count: int) -> Iterator[Tensor]:
        random = torch.Generator().manual_seed(1)
        latents = torch.randn(count, state.options.latent, generator=random)
        for part in torch.split(latents, 250):
            yield state.sampling_generator.eval()(part)

    return draw


def train(data: DataSet, place: str, seed: int, snapshots: Snapshots, contender: Contender) -> None:
    """Train until the last mark, or to the default's own end."""
    watch = Watch(snapshots)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(training, "build", watch.build):
        try:
            architecture = contender.architecture or data.architecture
            chosen = {} if architecture is None else {"data": place, **contender.options}
            zoo.train(
                architecture or place, seed=seed, device="cpu", out=Path(folder) / "run", callbacks=[watch],
                plugin_callbacks=False, report=False, **chosen,
            )  # fmt: skip
        except TimeIsUpError:
            return
