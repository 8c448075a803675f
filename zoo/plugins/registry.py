"""Finds plugins and keeps what they contribute, each with the distribution it came from; isolates a broken one."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from zoo.architecture import Architecture
from zoo.callback import Callback
from zoo.errors import OptionError, PluginError, unknown
from zoo.objective import KINDS, Objective
from zoo.objective import named as objective_named
from zoo.plugins import hookspecs
from zoo.plugins.api_version import check_api, declared_api
from zoo.plugins.attribution import Guard, attributing
from zoo.plugins.kinds import ALL_KINDS, ARCHITECTURE, METRIC, OBJECTIVE, SOURCE, Kind
from zoo.plugins.plugin import Plugin
from zoo.plugins.selection import selected
from zoo.system.distribution import DISTRIBUTION, foreign

if TYPE_CHECKING:
    from zoo.data.source import DataSource
    from zoo.metric import Metric
    from zoo.run.run import Run

GROUP = "zoo"


@dataclass(frozen=True)
class Contribution:
    """Something that a plugin registered, guarded (`zoo.plugins.guarded`), and the plugin."""

    value: Any
    plugin: Plugin


class Registry:
    """Everything the installed plugins contribute."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        """Those that were to be loaded, the broken ones too, which have an `error`."""
        self.left_out: list[Plugin] = []
        """Those that ``ZOO_PLUGINS`` does not name."""
        self._found: dict[Kind, dict[str, list[Contribution]]] = {kind: {} for kind in ALL_KINDS}

    # ---- loading

    def load(self, points: Iterable[EntryPoint]) -> None:
        """Load each entry point; one that fails is kept in `plugins` with its error and hinders no other."""
        for point in points:
            plugin = Plugin.of(point)
            try:
                with redirect_stdout(sys.stderr):  # what `zoo list --json` prints is read by programs
                    module = _import(point, plugin)
                    declared = getattr(sys.modules[point.module], "zoo_api", None)
                    check_api(declared)
                    plugin = replace(plugin, api=declared)
                    self._register(module, plugin)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as error:
                # Also an exit that was asked for, and what a library of another language panics with.
                plugin = plugin.failed(error)
            self.plugins.append(plugin)

    def _register(self, module: object, plugin: Plugin) -> None:
        found: list[tuple[Kind, Contribution]] = []
        if other := self.manager.get_name(module):
            advice = foreign() or "uninstall one of the two"
            raise PluginError(f"it is the very module of {other.replace(':', ', plugin ')}; {advice}")
        _check_hooks(module)
        self.manager.register(module, name=plugin.key)
        try:
            for kind in ALL_KINDS:

                def register(value: object, kind: Kind = kind) -> None:
                    kind.check(value)
                    found.append((kind, self.contributed(kind, value, plugin)))

                self._call(module, kind.hook, register=register)
        except BaseException:
            self.manager.unregister(name=plugin.key)
            raise
        for kind, contribution in found:  # only now, so that a plugin which fails half-way contributes nothing
            self.add(kind, contribution)

    def contributed(self, kind: Kind, value: object, plugin: Plugin) -> Contribution:
        """What a plugin contributes, guarded: whatever fails inside is named with the plugin."""
        guarded = kind.guarded(value, self._guard_of(plugin))
        if kind is METRIC:
            guarded.made_by = "" if plugin.distribution == DISTRIBUTION else plugin.origin
        return Contribution(guarded, plugin)

    def _guard_of(self, plugin: Plugin) -> Guard:
        def guard(what: str, then: str = "") -> AbstractContextManager[None]:
            return attributing(lambda error: self.responsible(error, plugin), what, then)

        return guard

    def add(self, kind: Kind, contribution: Contribution) -> None:
        """Keep a contribution under its name."""
        self._found[kind].setdefault(kind.name_of(contribution.value), []).append(contribution)

    def _call(self, module: object, hook: str, **arguments: Any) -> list[Any]:
        """What one plugin's implementation of a hook returns, in a list; an empty one where it has none."""
        others = [other for other in self.manager.get_plugins() if other is not module]
        results: list[Any] = self.manager.subset_hook_caller(hook, others)(**arguments)
        return results

    # ---- looking up

    @property
    def names(self) -> list[str]:
        """The names of all architectures, sorted."""
        return sorted(self._found[ARCHITECTURE])

    @property
    def sources(self) -> list[type[DataSource]]:
        """The data sources that plugins contribute, those left out whose name is claimed twice."""
        return list(self.of_kind(SOURCE).values())

    def sources_for(self, location: str) -> list[type[DataSource]]:
        """`sources`, for opening `--data location`. Raises PluginError where that names a kind that is claimed twice."""
        name = location.partition(":")[0]
        if name in self._found[SOURCE]:
            self._only(SOURCE, name)
        return self.sources

    @property
    def conflicts(self) -> dict[str, str]:
        """For each name that is registered more than once, as it is typed, the sentence that says by whom."""
        return {
            kind.flag + name: _conflict(kind, name, who)
            for kind, found in self._found.items()
            for name, who in found.items()
            if len(who) > 1
        }

    def claims(self, name: str) -> bool:
        """Whether a name is an architecture's, or that of a plugin that is not loaded and may bring one."""
        absent = [*(plugin for plugin in self.plugins if plugin.error), *self.left_out]
        return name in self._found[ARCHITECTURE] or any(name in plugin.names for plugin in absent)

    def contribution(self, name: str) -> Contribution:
        """The architecture of that name and its plugin.

        Raises PluginError for a name nobody registered, or that two plugins did.
        """
        if not isinstance(name, str):
            raise OptionError(f"{name!r} is no architecture's name; give one as text: {', '.join(self.names)}")
        if name not in self._found[ARCHITECTURE]:
            for plugin in [*self.plugins, *self.left_out]:
                if name in plugin.names:
                    raise PluginError(self._why_not(plugin, name))
            broken = [plugin.name for plugin in self.plugins if plugin.error]
            hint = f"zoo list; plugins that failed to load: {', '.join(broken)}" if broken else "zoo list"
            raise PluginError(unknown("architecture", name, self.names, hint))
        return self._only(ARCHITECTURE, name)

    def architecture(self, name: str) -> Architecture:
        """A new instance of the architecture of that name. Raises PluginError as `contribution` does."""
        cls: type[Architecture] = self.contribution(name).value
        return cls()

    def _why_not(self, plugin: Plugin, name: str) -> str:
        """Why a plugin that is called as an architecture brings none of that name."""
        who = plugin.title
        if plugin.error:
            return f"{who} failed to load: {plugin.error}"
        if plugin in self.left_out:
            return f"{who} is left out: ZOO_PLUGINS does not name it"
        names = sorted(one.value.name for one in self.of(plugin)[ARCHITECTURE])
        brings = f"brings {', '.join(names)} and" if names else "brings"
        return f"{who} {brings} no architecture {name!r}; does it register one? (zoo plugins)"

    @property
    def objectives(self) -> list[str]:
        """The names of all objectives: those of `zoo.Objective`, and those of plugins."""
        return sorted({*KINDS, *self._found[OBJECTIVE]})

    def objective(self, name: str, asked: str = "objective") -> Objective:
        """The objective of that name.

        Raises PluginError for a name that is not known, `asked` telling what it is the name of, or that two plugins claim.
        """
        if name in KINDS:
            return objective_named(name)
        if name not in self._found[OBJECTIVE]:
            raise PluginError(unknown(asked, name, self.objectives, "zoo plugins"))
        found: Objective = self._only(OBJECTIVE, name).value
        return found

    @property
    def metrics(self) -> dict[str, type[Metric]]:
        """The metrics by name, in the order in which they are shown; those left out whose name is claimed twice."""
        return dict(sorted(self.of_kind(METRIC).items(), key=lambda item: item[1].order))

    def of_kind(self, kind: Kind) -> dict[str, Any]:
        """What plugins contribute of a kind by name, those left out whose name is claimed twice."""
        return {name: who[0].value for name, who in sorted(self._found[kind].items()) if len(who) == 1}

    def names_of(self, kind: Kind) -> list[str]:
        """The names of a kind that plugins registered, sorted; those too that are claimed twice."""
        return sorted(self._found[kind])

    def find(self, kind: Kind, name: str) -> Any:
        """The one of that kind and name. Raises PluginError for a name nobody registered, or that two plugins did."""
        if name not in self._found[kind]:
            raise PluginError(unknown(kind.flag.strip() or kind.title, name, self._found[kind], "zoo plugins"))
        return self._only(kind, name).value

    def _only(self, kind: Kind, name: str) -> Contribution:
        who = self._found[kind][name]
        if len(who) > 1:
            raise PluginError(_conflict(kind, name, who))
        return who[0]

    # ---- by plugin

    def of(self, plugin: Plugin) -> dict[Kind, list[Contribution]]:
        """What a plugin contributes, of each kind."""
        return {
            kind: [one for who in found.values() for one in who if one.plugin.key == plugin.key]
            for kind, found in self._found.items()
        }

    def watches(self, plugin: Plugin) -> bool:
        """Whether a plugin wants to watch runs."""
        module = self.manager.get_plugin(plugin.key)
        callers = self.manager.get_hookcallers(module) if module is not None else None
        return any(caller.name == "zoo_training_callbacks" for caller in callers or ())

    def callbacks(self, run: Run, plugin: Plugin) -> list[Callback]:
        """What a plugin that `watches` sends to this run. Raises PluginError where its hook fails or sends something else."""
        with self._guard_of(plugin)("zoo_training_callbacks failed"):
            found: list[Callback] = []
            for sent in self._call(self.manager.get_plugin(plugin.key), "zoo_training_callbacks", run=run):
                for callback in sent if isinstance(sent, Iterable) else [sent]:
                    if not isinstance(callback, Callback):
                        raise TypeError(f"it returned {callback!r}, which is no zoo.Callback")
                    found.append(callback)
            return found

    def responsible(self, error: BaseException, owner: Plugin | None) -> Plugin | None:
        """Whose code an error came from: the plugin of the innermost line that is any plugin's; `owner` where none is.

        An error of the system that no plugin's line led to (a full disk, a file that is gone) is nobody's.
        """
        homes = [
            (len(home.parts), plugin == owner, plugin, home)
            for plugin in self.plugins
            if plugin.error is None
            for home in plugin.homes()
        ]
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            inside = [row for row in homes if Path(frame.filename).is_relative_to(row[3])]
            if inside:
                return max(inside, key=lambda row: row[:2])[2]
        return None if isinstance(error, OSError) else owner


def _check_hooks(module: object) -> None:
    """Raise PluginError for a function that looks like a hook and is none: misspelt, or not marked."""
    known = [name for name in vars(hookspecs) if name.startswith("zoo_")]
    for name in dir(module):
        if not name.startswith("zoo_") or not inspect.isroutine(getattr(module, name, None)):
            continue
        if name not in known:
            if hasattr(getattr(module, name), "zoo_impl"):
                raise PluginError(unknown("hook", name, known))
        elif not hasattr(getattr(module, name), "zoo_impl"):
            raise PluginError(f"{name} is not marked as a hook; write @zoo.hookimpl above it")
    for name, value in list(vars(module).items()):
        mark = getattr(value, "zoo_impl", None)
        hook = (mark.get("specname") or name) if isinstance(mark, dict) else None
        if hook in known and inspect.isroutine(value):
            _check_arguments(name, value, hook)


def _check_arguments(name: str, function: Callable[..., Any], hook: str) -> None:
    """Raise PluginError for an argument that zoo does not pass to the hook, which knows its arguments by their names."""
    passed = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    for argument, parameter in inspect.signature(function).parameters.items():
        if argument not in passed and parameter.default is parameter.empty:
            raise PluginError(
                f"{name} takes {argument!r}, and zoo passes {' and '.join(map(repr, passed))}; write {name}({', '.join(passed)})"
            )


def _import(point: EntryPoint, plugin: Plugin) -> object:
    """The module behind an entry point; where it cannot be imported, the reason, or that it is for another version of zoo."""
    try:
        return point.load()
    except BaseException:
        for file in plugin.files():
            check_api(declared_api(file))
        raise


def _conflict(kind: Kind, name: str, who: list[Contribution]) -> str:
    places = " and ".join(f"{one.plugin.origin} (plugin {one.plugin.name!r})" for one in who)
    advice = "uninstall one of them, or name the plugins or distributions to load in ZOO_PLUGINS"
    if len({one.plugin.key for one in who}) == 1:
        advice = "let it register it once"
    return f"{kind.title} {name!r} is registered twice, by {places}; {advice}"


@cache
def registry() -> Registry:
    """The registry of this process, loaded when first asked for."""
    loaded = Registry()
    chosen, others = selected(entry_points(group=GROUP))
    loaded.load(chosen)
    loaded.left_out = [Plugin.of(point) for point in others]
    return loaded


def architecture_of(run: Run) -> Architecture:
    """The architecture that a run was trained with. Raises PluginError where it is not installed, with what to install."""
    try:
        return registry().architecture(run.architecture)
    except PluginError as error:
        made = run.config.get("plugin") or {}
        who = f"{made.get('distribution', '')} {made.get('version', '')}".strip()
        raise PluginError(
            f"{error}; {run.path} was trained with {who}: is it installed?" if who else str(error)
        ) from None


def pretrained_run(name: str) -> Run | None:
    """The run that comes with the architecture of that name (`Architecture.pretrained`); None where none does."""
    from zoo.run.run import Run

    folder = registry().architecture(name).pretrained
    run = None if folder is None else Run(folder)
    return (
        run if run is not None and run.architecture == name else None
    )  # one that is inherited is of another architecture


def list_architectures(pattern: str = "*") -> list[str]:
    """The names of the architectures that match a shell pattern, sorted: ``list_architectures("*gan")``."""
    from fnmatch import fnmatchcase

    return [name for name in registry().names if fnmatchcase(name, pattern)]
