"""What a plugin may implement. A plugin needs none of these but the ones it has something to contribute to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo.architecture import Architecture
    from zoo.augmentation import Augmentation
    from zoo.callback import Callback
    from zoo.command import Command
    from zoo.data.source import DataSource
    from zoo.exporter import Exporter
    from zoo.metric import Metric
    from zoo.objective import Objective
    from zoo.run.run import Run

hookspec = pluggy.HookspecMarker("zoo")


@hookspec
def zoo_register_architectures(register: Callable[[type[Architecture]], None]) -> None:
    """Contribute architectures: call ``register(ArchitectureSubclass)`` once for each.

    Runs when the plugin is loaded, before anything is built: it must not import torch, or every ``zoo list`` pays for it.
    """


@hookspec
def zoo_register_data_sources(register: Callable[[type[DataSource]], None]) -> None:
    """Contribute kinds of data: call ``register(DataSourceSubclass)`` once for each; ``--data`` asks them in turn."""


@hookspec
def zoo_register_objectives(register: Callable[[Objective], None]) -> None:
    """Contribute objectives: call ``register(objective)`` once for each, with an object that has the methods of `zoo.Objective`.

    The name in its `kind` is then known to every architecture: as its `objective`, and to ``zoo train NAME --objective KIND``.
    Runs when the plugin is loaded, and must not import torch; the methods may.
    """


@hookspec
def zoo_register_metrics(register: Callable[[type[Metric]], None]) -> None:
    """Contribute metrics: call ``register(MetricSubclass)`` once for each; ``zoo evaluate RUN --metric NAME`` computes one.

    Runs when the plugin is loaded, and must not import torch; the methods may.
    """


@hookspec
def zoo_register_augmentations(register: Callable[[type[Augmentation]], None]) -> None:
    """Contribute augmentations: call ``register(AugmentationSubclass)`` once for each; ``--augment NAME`` switches one on.

    Runs when the plugin is loaded, and must not import torch; the methods may.
    """


@hookspec
def zoo_register_exporters(register: Callable[[type[Exporter]], None]) -> None:
    """Contribute formats: call ``register(ExporterSubclass)`` once for each; ``zoo export RUN --to NAME`` writes one.

    Runs when the plugin is loaded, and must not import torch; the methods may.
    """


@hookspec
def zoo_register_commands(register: Callable[[type[Command]], None]) -> None:
    """Contribute commands: call ``register(CommandSubclass)`` once for each; ``zoo NAME`` runs it.

    Runs when the plugin is loaded, and must not import torch; `run` may. zoo's own commands cannot be replaced.
    """


@hookspec
def zoo_training_callbacks(run: Run) -> Callback | Iterable[Callback] | None:
    """Watch a run: return a callback (or several) whose methods are called as the run trains (see `zoo.Callback`).

    Asked before each training and each resume. A callback with a `name` is switched on by ``--watch NAME``; one without is
    always on. A `zoo.errors.ZooError` raised here stops the run before it begins; anything else, here or in a callback later, is
    named in a line and ends only the watching.
    """
