"""The callbacks of plugins that a run is told to: guarded, so that the run does not depend on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from zoo.callback import Callback
from zoo.errors import OptionError, PluginError, unknown
from zoo.plugins.plugin import Plugin
from zoo.plugins.registry import registry
from zoo.run.run import Run, quoted
from zoo.run.scores import Scores

log = logging.getLogger(__name__)


def plugin_callbacks(run: Run, named: Sequence[str]) -> list[Callback]:
    """Those that have no name, and those that `named` asks for.

    A plugin that cannot say what is to watch is named in a line, and the run does without. Raises OptionError for a name that
    no callback has, or two have.
    """
    found = list(_of_plugins(run))
    owners: dict[str, list[Plugin]] = {}
    for plugin, callback in found:
        if callback.name:
            owners.setdefault(callback.name, []).append(plugin)
    for name in named:
        if name not in owners:
            hint = f"zoo resume {quoted(run.path)} --watch, without a name, goes on without" if run.checkpoints else ""
            raise OptionError(unknown("callback for --watch", name, owners, hint))
        if len({plugin.key for plugin in owners[name]}) > 1:
            who = " and ".join(plugin.origin for plugin in owners[name])
            raise OptionError(f"--watch {name}: {who} each have a callback of that name; choose with ZOO_PLUGINS")
    return [
        GuardedCallback(callback, plugin)
        for plugin, callback in found
        if callback.name is None or callback.name in named
    ]


def _of_plugins(run: Run) -> Iterator[tuple[Plugin, Callback]]:
    for plugin in filter(registry().watches, registry().plugins):
        try:
            found = registry().callbacks(run, plugin)
        except PluginError as error:
            log.warning("%s; the run goes on without its callbacks", error)
        else:
            yield from ((plugin, callback) for callback in found)


class GuardedCallback(Callback):
    """A plugin's callback, which the run does not depend on: if it fails, a line says so and it is told nothing more."""

    def __init__(self, callback: Callback, plugin: Plugin) -> None:
        self._callback: Callback | None = callback
        self._plugin = plugin

    def on_note(self, line: str) -> None:
        """Pass it on."""
        self._tell("on_note", line)

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

    def on_evaluation(self, scores: Scores) -> None:
        """Pass it on."""
        self._tell("on_evaluation", scores)

    def on_checkpoint(self, step: int, checkpoint: Path) -> None:
        """Pass it on."""
        self._tell("on_checkpoint", step, checkpoint)

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Pass it on."""
        self._tell("on_end", run, step, finished)

    def _tell(self, method: str, *arguments: Any) -> None:
        if self._callback is None:
            return
        random = torch.get_rng_state()
        try:
            getattr(self._callback, method)(*arguments)
        except (Exception, SystemExit) as error:  # an exit is for whoever trains to ask for
            self._callback = None
            log.warning("%s; the run goes on without this callback", self._plugin.failure(error, f"{method} failed"))
        finally:
            torch.set_rng_state(random)  # the run's numbers are not to depend on who watches
