"""Who watches a run: those that its caller gives, and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from zoo.callback import Watcher
from zoo.errors import OptionError, PluginError, unknown
from zoo.plugins.plugin import Plugin
from zoo.plugins.registry import registry
from zoo.run.run import Run, quoted


def gather_watchers(
    run: Run, given: Iterable[Watcher], named: Sequence[str], say: Callable[[str], None], plugins: bool = True
) -> list[Watcher]:
    """The watchers given; where `plugins` are asked, those of theirs that have no name, and those that `named` asks for.

    A plugin that cannot say who is to watch is named in a line, and the run does without. Raises OptionError for a name that
    no watcher has, or two have.
    """
    found = list(_of_plugins(run, say)) if plugins else []
    owners: dict[str, list[Plugin]] = {}
    for plugin, watcher in found:
        if watcher.name:
            owners.setdefault(watcher.name, []).append(plugin)
    for name in named if plugins else ():
        if name not in owners:
            hint = f"zoo resume {quoted(run.path)} --watch, without a name, goes on without" if run.checkpoints else ""
            raise OptionError(unknown("watcher", name, owners, hint))
        if len({plugin.key for plugin in owners[name]}) > 1:
            who = " and ".join(plugin.origin for plugin in owners[name])
            raise OptionError(f"--watch {name}: {who} each have a watcher of that name; choose with ZOO_PLUGINS")
    chosen = [(plugin, watcher) for plugin, watcher in found if watcher.name is None or watcher.name in named]
    return [*given, *(Guarded(watcher, plugin, say) for plugin, watcher in chosen)]


def _of_plugins(run: Run, say: Callable[[str], None]) -> Iterator[tuple[Plugin, Watcher]]:
    for plugin in filter(registry().watches, registry().plugins):
        try:
            found = registry().watchers(run, plugin)
        except PluginError as error:
            say(f"{error}; the run goes on without its watchers")
        else:
            yield from ((plugin, watcher) for watcher in found)


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
        self._tell("on_metrics", dict(metrics))

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
        random = torch.get_rng_state()
        try:
            getattr(self._watcher, method)(*arguments)
        except Exception as error:
            self._watcher = None
            self._say(f"{self._plugin.blame(error, f'{method} failed')}; the run goes on without this watcher")
        finally:
            torch.set_rng_state(random)  # the run's numbers are not to depend on who watches
