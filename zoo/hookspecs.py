"""What a plugin may implement. A plugin needs none of these but the ones it has something to contribute to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo.architecture import Architecture
    from zoo.data.source import DataSource
    from zoo.engine.events import Watcher
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
def zoo_training_callbacks(run: Run) -> Watcher | Iterable[Watcher] | None:
    """Watch a run: return a watcher (or several) whose methods are called as the run trains (see `zoo.engine.events`)."""
