"""Who watches a run: those that its caller gives, and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.engine.events import Watcher
from zoo.errors import OptionError, PluginError, unknown
from zoo.plugin import Plugin
from zoo.registry import registry
from zoo.run.run import Run


def gather_watchers(
    run: Run, given: Iterable[Watcher], named: Sequence[str], say: Callable[[str], None]
) -> list[Watcher]:
    """The watchers given; of plugins', those that have no name, and those that `named` asks for.

    Raises OptionError for a name that no watcher has, PluginError where a plugin cannot say who is to watch.
    """
    found = list(_of_plugins(run))
    names = {watcher.name for _, watcher in found if watcher.name}
    for name in named:
        if name not in names:
            raise OptionError(unknown("watcher", name, names, "zoo plugins tells who brings some"))
    chosen = [(plugin, watcher) for plugin, watcher in found if watcher.name is None or watcher.name in named]
    return [*given, *(Guarded(watcher, plugin, say) for plugin, watcher in chosen)]


def _of_plugins(run: Run) -> Iterator[tuple[Plugin, Watcher]]:
    for plugin in filter(registry().watches, registry().plugins):
        for contributed in registry().watchers(run, plugin):
            for watcher in list(contributed) if isinstance(contributed, Iterable) else [contributed]:
                if not isinstance(watcher, Watcher):
                    raise PluginError(
                        f"plugin {plugin.name!r} of {plugin.origin}: zoo_training_callbacks returned {watcher!r}; "
                        "return zoo.Watcher objects"
                    )
                yield plugin, watcher


class Guarded(Watcher):
    """A plugin's watcher, which the run does not depend on: if it fails, a line says so and it is told nothing more."""

    def __init__(self, watcher: Watcher, plugin: Plugin, say: Callable[[str], None]) -> None:
        self._watcher: Watcher | None = watcher
        self._plugin = plugin
        self._say = say

    def on_start(self, run: Run, step: int, steps: int) -> None:
        """Pass it on."""
        self._tell("on_start", run, step, steps)

    def on_step(self, step: int) -> None:
        """Pass it on."""
        self._tell("on_step", step)

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """Pass it on."""
        self._tell("on_metrics", metrics)

    def on_sample(self, step: int, picture: Path) -> None:
        """Pass it on."""
        self._tell("on_sample", step, picture)

    def on_checkpoint(self, step: int, checkpoint: Path) -> None:
        """Pass it on."""
        self._tell("on_checkpoint", step, checkpoint)

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Pass it on."""
        self._tell("on_end", run, step, finished)

    def _tell(self, method: str, *arguments: Any) -> None:
        if self._watcher is None:
            return
        try:
            getattr(self._watcher, method)(*arguments)
        except Exception as error:
            self._watcher = None
            self._say(f"{self._plugin.blame(error, f'{method} failed')}; the run goes on without this watcher")
