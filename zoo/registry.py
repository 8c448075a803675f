"""Finds plugins and keeps what they contribute, each with the distribution it came from; isolates a broken one."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from zoo import hookspecs
from zoo.architecture import Architecture
from zoo.errors import PluginError, unknown
from zoo.options import Options

if TYPE_CHECKING:
    from zoo.data.source import DataSource

GROUP = "zoo"
RESERVED = {"name", "preset", "config", "out", "watchers", "say", "preparing"}
NAME = r"[a-z0-9][a-z0-9_-]*"


@dataclass(frozen=True)
class Plugin:
    """An installed plugin: where it came from, and what went wrong when it was loaded, if anything did."""

    name: str
    distribution: str
    version: str
    module: str
    error: str | None = None
    details: str | None = None

    @property
    def origin(self) -> str:
        """The distribution with its version, as in ``zoo 0.1.0``."""
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class Contribution:
    """An architecture or a data source, and the plugin that registered it."""

    value: Any
    plugin: Plugin


class Registry:
    """Everything the installed plugins contribute."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        self._architectures: dict[str, list[Contribution]] = {}
        self._sources: dict[str, list[Contribution]] = {}

    # ---- loading

    def load(self, points: Iterable[EntryPoint]) -> None:
        """Load each entry point; one that fails is kept in `plugins` with its error and hinders no other."""
        for point in points:
            plugin = _describe(point)
            try:
                self._register(point.load(), plugin)
            except (Exception, SystemExit) as error:
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                plugin = _describe(point, error=reason, details=traceback.format_exc())
            self.plugins.append(plugin)

    def _register(self, module: object, plugin: Plugin) -> None:
        found: list[Contribution] = []
        sources: list[Contribution] = []

        def architecture(cls: type[Architecture]) -> None:
            check_architecture(cls)
            found.append(Contribution(cls, plugin))

        def source(cls: type[DataSource]) -> None:
            check_source(cls)
            sources.append(Contribution(cls, plugin))

        key = f"{plugin.distribution}:{plugin.name}"
        self.manager.register(module, name=key)
        try:
            self.manager.check_pending()  # a hook that does not exist is a misspelt one
            self._call(module, "zoo_register_architectures", architecture)
            self._call(module, "zoo_register_data_sources", source)
        except BaseException:
            self.manager.unregister(name=key)
            raise
        for contribution in found:  # only now, so that a plugin which fails half-way contributes nothing
            self._architectures.setdefault(contribution.value.name, []).append(contribution)
        for contribution in sources:
            self._sources.setdefault(contribution.value.name, []).append(contribution)

    def _call(self, module: object, hook: str, register: Callable[[Any], None]) -> None:
        others = [other for other in self.manager.get_plugins() if other is not module]
        self.manager.subset_hook_caller(hook, others)(register=register)

    # ---- looking up

    @property
    def names(self) -> list[str]:
        """The names of all architectures, sorted."""
        return sorted(self._architectures)

    @property
    def sources(self) -> list[type[DataSource]]:
        """The data sources that plugins contribute, those left out whose name is claimed twice."""
        return [who[0].value for who in self._sources.values() if len(who) == 1]

    def sources_for(self, location: str) -> list[type[DataSource]]:
        """`sources`, for opening `--data location`. Raises PluginError where that names a kind that is claimed twice."""
        who = self._sources.get(location.partition(":")[0], [])
        if len(who) > 1:
            raise PluginError(_conflict("data source", who))
        return self.sources

    @property
    def conflicts(self) -> dict[str, str]:
        """For each architecture or data source that is registered more than once, the sentence that says by whom."""
        twice = {name: _conflict("architecture", who) for name, who in self._architectures.items() if len(who) > 1}
        data = {f"--data {name}": _conflict("data source", who) for name, who in self._sources.items() if len(who) > 1}
        return twice | data

    def contribution(self, name: str) -> Contribution:
        """The architecture of that name and its plugin.

        Raises PluginError for a name nobody registered, or that two plugins did.
        """
        if name not in self._architectures:
            broken = [plugin.name for plugin in self.plugins if plugin.error]
            hint = f"zoo list; plugins that failed to load: {', '.join(broken)}" if broken else "zoo list"
            raise PluginError(unknown("architecture", name, self.names, hint))
        who = self._architectures[name]
        if len(who) > 1:
            raise PluginError(_conflict("architecture", who))
        return who[0]

    def architecture(self, name: str) -> Architecture:
        """A new instance of the architecture of that name. Raises PluginError as `contribution` does."""
        cls: type[Architecture] = self.contribution(name).value
        return cls()


def check_architecture(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Architecture`."""
    if not (isinstance(cls, type) and issubclass(cls, Architecture)):
        raise PluginError(f"register() takes a subclass of zoo.Architecture; given {cls!r}")
    name = getattr(cls, "name", None)
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        raise PluginError(f"{cls.__name__}.name is {name!r}; give it lower-case letters, digits, '-' and '_'")
    if not issubclass(cls.Options, Options):
        raise PluginError(f"{cls.__name__}.Options must be a subclass of zoo.Options")
    if taken := RESERVED & cls.Options.model_fields.keys():
        raise PluginError(
            f"{cls.__name__}.Options has {sorted(taken)[0]!r}, which zoo train uses itself; choose another name"
        )
    for method in ("generator", "discriminator"):
        if getattr(cls, method) is getattr(Architecture, method):
            raise PluginError(f"{cls.__name__} does not define {method}(self, options, data)")
    if stray := sorted(vars(cls).get("preset_notes", {}).keys() - cls.presets.keys()):  # inherited ones may have gone
        raise PluginError(unknown(f"preset in preset_notes of {name}", stray[0], cls.presets))
    if cls.default_preset is not None and cls.default_preset not in cls.presets:
        raise PluginError(unknown(f"default preset of {name}", cls.default_preset, cls.presets))


def check_source(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.DataSource`."""
    from zoo.data.registry import builtin_sources
    from zoo.data.source import DataSource

    if not (isinstance(cls, type) and issubclass(cls, DataSource)):
        raise PluginError(f"register() takes a subclass of zoo.DataSource; given {cls!r}")
    name = getattr(cls, "name", None)
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        raise PluginError(f"{cls.__name__}.name is {name!r}; give it lower-case letters, digits, '-' and '_'")
    if not isinstance(getattr(cls, "summary", None), str):
        raise PluginError(f"{cls.__name__} has no summary; give it one sentence for zoo list")
    if name in {source.name for source in builtin_sources()}:
        raise PluginError(
            f"{cls.__name__}.name is {name!r}, which is a kind of data that comes with zoo; choose another"
        )


def _describe(point: EntryPoint, error: str | None = None, details: str | None = None) -> Plugin:
    name, version = (point.dist.name, point.dist.version) if point.dist else ("(unknown distribution)", "")
    return Plugin(point.name, name, version, point.value, error, details)


def _conflict(kind: str, who: list[Contribution]) -> str:
    places = " and ".join(f"{one.plugin.origin} (plugin {one.plugin.name!r})" for one in who)
    return (
        f"{kind} {who[0].value.name!r} is registered twice, by {places}; "
        "uninstall one of them, or name the plugins to load in ZOO_PLUGINS"
    )


def _selected(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """The entry points that ``ZOO_PLUGINS=a,b`` allows; all of them where it is not set."""
    available = sorted(points, key=lambda point: (point.name, point.dist.name if point.dist else ""))
    wanted = os.environ.get("ZOO_PLUGINS")
    if wanted is None:
        return available
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if all(point.name != name for point in available):
            raise PluginError(unknown("plugin", name, {point.name for point in available}, "from ZOO_PLUGINS"))
    return [point for point in available if point.name in names]


@cache
def registry() -> Registry:
    """The registry of this process, loaded when first asked for."""
    loaded = Registry()
    loaded.load(_selected(entry_points(group=GROUP)))
    return loaded


def list_architectures(pattern: str = "*") -> list[str]:
    """The names of the architectures that match a shell pattern, sorted: ``list_architectures("*gan")``."""
    from fnmatch import fnmatchcase

    return [name for name in registry().names if fnmatchcase(name, pattern)]
