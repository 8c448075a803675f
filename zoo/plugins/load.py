"""From a run's folder to its trained generator: ``zoo.load``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.architecture import Architecture
from zoo.data.spec import DataSpec
from zoo.errors import PluginError, RunError
from zoo.generate.generator import Generator
from zoo.generate.sampling import device_of
from zoo.options import Options
from zoo.options.resolve import validate
from zoo.plugins.fitting import build_for
from zoo.plugins.kinds import ARCHITECTURE
from zoo.plugins.registry import architecture_of, pretrained_run, registry
from zoo.run.checkpoint import load_network, read_state, read_tensors
from zoo.run.holding import holder
from zoo.run.naming import LAST, find_checkpoint, one_of
from zoo.run.place import check_path
from zoo.run.run import Run
from zoo.run.whole import read_whole

log = logging.getLogger(__name__)


def find_run(run: Run | Path | str) -> Run:
    """A run as `load` takes it. Raises RunError where there is none, OptionError for what is no path.

    A run in a folder of that name comes before the one of an architecture.
    """
    if isinstance(run, Run):
        return run
    path, name = check_path(run, "a run's folder"), str(run)
    if name in registry().names and not os.path.exists(path / "config.json"):
        if pretrained := pretrained_run(name):
            return pretrained
        if not os.path.exists(path):
            raise RunError(
                f"{name} comes without trained weights, and there is no run at {name}; zoo train {name} makes one"
            )
    return Run(path)


def load(
    run: Run | Path | str,
    *,
    step: int | None = None,
    device: str = "cpu",
    averaged: bool = True,
    checkpoint: int | str | None = None,
) -> Generator:
    """The trained generator of a run.

    Args:
        run: a run, or its folder; or the name of an architecture that comes with a trained one (`Architecture.pretrained`).
        step: of the checkpoint, by default the newest.
        device: where it is to draw: cpu, mps, cuda or cuda:N.
        averaged: with the running average of the weights, where the run kept one; else with the weights themselves.
        checkpoint: in the place of `step`, a step too, or ``"best"``, ``"best:METRIC"`` (``--keep-best``) or ``"last"``.

    Raises:
        OptionError: for what names no checkpoint.
        RunError: where the run or its checkpoint cannot be used.
        PluginError: where the run's architecture is not installed.
    """
    run = find_run(run)
    wanted, found = one_of(checkpoint, step), run

    def find() -> tuple[int, Path]:
        return find_checkpoint(found, wanted)

    _, newest = find()  # what is wrong with it is told before anything else
    home, place = os.path.realpath(run.path), os.path.realpath(newest)
    if not Path(place).is_relative_to(home):  # a run of somebody else's may lead anywhere
        log.warning("%s leads to %s, which is read", newest, place)
    if wanted in (None, LAST) and (lacking := run.lacking):
        log.warning("%s; %s is used", lacking, newest.name)
    architecture = architecture_of(run)
    options = run.options(architecture)
    spec, class_names = run.geometry()
    trains = holder(run.path) is not None

    def read(step: int, folder: Path) -> tuple[int, Path, _Tensors, Any, Callable[[], _Tensors]]:
        tensors = read_tensors(folder, "generator")
        ema = read_state(folder).parts.get("ema") if averaged else None
        return step, folder, tensors, ema, _discriminator(folder, now=trains)

    step, folder, tensors, ema, discriminator = read_whole(find, read)
    network = build_for(architecture.generator, options, spec, tensors, folder / "generator.safetensors")
    load_network(network, tensors, folder / "generator.safetensors", architecture.name)
    if ema is not None:
        load_network(network, ema["weights"], folder / "state.safetensors", architecture.name)
    made = run.config.get("plugin") or {}
    origin = Origin(
        architecture.name, f"{made.get('distribution', '')} {made.get('version', '')}".strip(), folder.resolve()
    )
    names = class_names if architecture.conditional else []
    return origin.generator(architecture, options, spec, names, step, network.to(device), discriminator)


_Tensors = dict[str, torch.Tensor]


def _discriminator(folder: Path, now: bool = False) -> Callable[[], _Tensors]:
    """What gives the discriminator's tensors when they are needed. `now`: they are read already, as a training may remove them."""

    def read() -> _Tensors:
        if not folder.is_dir():
            raise RunError(
                f"{folder} is gone since the generator was loaded, and the discriminator with it; load the newest one "
                "(zoo.load), or train with a higher --keep-checkpoints"
            )
        return read_tensors(folder, "discriminator")

    if now:
        with suppress(RunError):  # of a damaged one is told when it is needed
            tensors = read()
            return lambda: tensors
    return read


@dataclass(frozen=True)
class Origin:
    """Where a generator comes from. It pickles, and makes the generator again where that is unpickled."""

    architecture: str
    plugin: str
    """The distribution that it was trained with, and its version."""
    folder: Path
    """The checkpoint, in which its discriminator is."""

    def generator(
        self,
        architecture: Architecture,
        options: Options,
        spec: DataSpec,
        class_names: Sequence[str],
        step: int,
        network: nn.Module,
        read: Callable[[], _Tensors] | None = None,
    ) -> Generator:
        """The generator of a network that has its weights; `read` gives the discriminator's."""
        network.eval().requires_grad_(False)
        read = read or _discriminator(self.folder)

        def discriminator() -> nn.Module:
            file = self.folder / "discriminator.safetensors"
            tensors = read()
            built = build_for(architecture.discriminator, options, spec, tensors, file)
            load_network(built, tensors, file, architecture.name)
            return built.to(device_of(network)).eval().requires_grad_(False)

        labelled = [name for name, cls in registry().of_kind(ARCHITECTURE).items() if cls.conditional]
        return Generator(network, architecture, options, spec, class_names, step, discriminator, labelled, self)

    def __call__(
        self,
        options: Mapping[str, Any],
        spec: DataSpec,
        class_names: Sequence[str],
        step: int,
        weights: Mapping[str, torch.Tensor],
        device: str,
    ) -> Generator:
        """The generator that was pickled: on the CPU where its device is not there.

        Raises PluginError where its architecture is not installed, OptionError or RunError where it is another by now.
        """
        try:
            architecture = registry().architecture(self.architecture)
        except PluginError as error:
            raise PluginError(
                f"{error}; the pickled generator was trained with {self.plugin}: is it installed here?"
            ) from None
        chosen = validate(architecture, options)
        with torch.random.fork_rng(devices=[]):  # its random weights are replaced at once
            network = architecture.generator(chosen, spec)
        _assign(network, weights, architecture.name)
        return self.generator(architecture, chosen, spec, class_names, step, network.to(_here(device)))


def _assign(network: nn.Module, weights: Mapping[str, torch.Tensor], name: str) -> None:
    """Give a network weights as they are, of whatever type and layout. Raises RunError where they are not its own."""
    try:
        network.load_state_dict(dict(weights), assign=True)
    except RuntimeError:
        raise RunError(
            f"the pickled generator has other layers than {name!r} builds here; was it pickled with another version of its plugin?"
        ) from None


def _here(device: str) -> torch.device:
    """A device, or the CPU where it is not there."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        return torch.device("cpu")
    return torch.device(device)
