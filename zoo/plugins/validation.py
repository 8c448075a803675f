"""What the things that plugins register must be. Each check raises PluginError that names what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zoo.architecture import Architecture
from zoo.augmentation import Augmentation
from zoo.command import OWN_COMMANDS, Command
from zoo.data.registry import builtin_names
from zoo.data.source import DataSource
from zoo.errors import PluginError, unknown
from zoo.exporter import Exporter
from zoo.metric import Metric
from zoo.objective import KINDS
from zoo.options import Options

RESERVED = {
    "name",
    "preset",
    "config",
    "from_run",
    "out",
    "callbacks",
    "plugin_callbacks",
    "notebook",
    "watchers",
    "say",
    "preparing",
    "plugins_watch",
    "only",
    "promise",
    "promises",
    "without",
    "json",
}
NAME = r"[a-z0-9][a-z0-9_-]*"


def check_architecture(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Architecture`."""
    if not (isinstance(cls, type) and issubclass(cls, Architecture)):
        raise PluginError(f"register() takes a subclass of zoo.Architecture; given {cls!r}")
    name = _name(cls, "name")
    if not issubclass(cls.Options, Options):
        raise PluginError(f"{cls.__name__}.Options must be a subclass of zoo.Options")
    if taken := RESERVED & cls.Options.model_fields.keys():
        raise PluginError(
            f"{cls.__name__}.Options has {sorted(taken)[0]!r}, which zoo train or zoo check uses itself; choose another name"
        )
    _options(cls)
    for method in ("generator", "discriminator"):
        if getattr(cls, method) is getattr(Architecture, method):
            raise PluginError(f"{cls.__name__} does not define {method}(self, options, data)")
    for preset, values in _mapping(cls, "presets").items():
        if not (isinstance(preset, str) and isinstance(values, Mapping)):
            raise PluginError(f"{cls.__name__}.presets[{preset!r}] is {values!r}; give the values of options by name")
    _mapping(cls, "preset_notes")
    smallest = cls.smallest_batch
    if isinstance(smallest, bool) or not isinstance(smallest, int) or smallest < 1:
        raise PluginError(f"{cls.__name__}.smallest_batch is {smallest!r}; give a number of images, 1 or more")
    if not isinstance(cls.rectangles, bool):
        raise PluginError(f"{cls.__name__}.rectangles is {cls.rectangles!r}; give True or False")
    if stray := sorted(vars(cls).get("preset_notes", {}).keys() - cls.presets.keys()):  # inherited ones may have gone
        raise PluginError(unknown(f"preset in preset_notes of {name}", stray[0], cls.presets))
    pretrained = cls.pretrained
    if pretrained is not None and not (isinstance(pretrained, Path) and (pretrained / "config.json").is_file()):
        raise PluginError(
            f"{cls.__name__}.pretrained is {pretrained!r}; give the pathlib.Path of a run, or leave it out"
        )
    if cls.default_preset is not None and cls.default_preset not in cls.presets:
        raise PluginError(unknown(f"default preset of {name}", cls.default_preset, cls.presets))


def _options(cls: type[Architecture]) -> None:
    """Raise PluginError for an option that has no default, or one of zoo's own with a default that zoo could not use."""
    for name, field in cls.Options.model_fields.items():
        place = f"{cls.__name__}.Options.{name}"
        if field.is_required():
            raise PluginError(f"{place} has no default; give it one")
        if name in Options.model_fields:
            value = field.get_default(call_default_factory=True, validated_data={})
            try:
                Options.__pydantic_validator__.validate_assignment(Options.model_construct(), name, value)
            except ValidationError as error:
                raise PluginError(
                    f"{place} is {value!r}; it is an option of zoo's own: {error.errors()[0]['msg']}"
                ) from None


def _mapping(cls: type[Any], attribute: str) -> Mapping[Any, Any]:
    found = getattr(cls, attribute)
    if not isinstance(found, Mapping):
        raise PluginError(f"{cls.__name__}.{attribute} is {found!r}; give a dictionary")
    return found


def check_source(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.DataSource`."""
    source = _class(cls, DataSource)
    _not_ours(source.__name__, "name", source.name, builtin_names(), "a kind of data")


def check_metric(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Metric`."""
    metric = _class(cls, Metric, "compute")
    if isinstance(metric.samples, bool) or not isinstance(metric.samples, int) or metric.samples < 1:
        raise PluginError(f"{metric.__name__}.samples is {metric.samples!r}; give a number of images, 1 or more")
    if isinstance(metric.order, bool) or not isinstance(metric.order, int):
        raise PluginError(
            f"{metric.__name__}.order is {metric.order!r}; give a whole number: the lowest is shown first"
        )
    _mapping(metric, "numbers")
    _mapping(metric, "best")
    for name, best in metric.best.items():
        if best not in ("lowest", "highest"):
            raise PluginError(f"{metric.__name__}.best[{name!r}] is {best!r}; give 'lowest' or 'highest'")


def check_augmentation(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Augmentation`."""
    _class(cls, Augmentation, "__call__")


def check_exporter(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Exporter`."""
    exporter = _class(cls, Exporter, "export")
    if not re.fullmatch(r"\.[A-Za-z0-9]+", str(getattr(exporter, "suffix", ""))):
        raise PluginError(f'{exporter.__name__} has no suffix; say how its files end: ".pt2"')


def check_command(cls: object) -> None:
    """Raise PluginError where `cls` does not keep the contract of `zoo.Command`."""
    command = _class(cls, Command, "run")
    _not_ours(command.__name__, "name", command.name, {*OWN_COMMANDS, "help"}, "a command")


def _class(cls: object, kind: type[Any], *methods: str) -> Any:
    """`cls`. Raises PluginError where it is no class of the kind, or has no name, summary or one of the methods."""
    if not (isinstance(cls, type) and issubclass(cls, kind)):
        raise PluginError(f"register() takes a subclass of zoo.{kind.__name__}; given {cls!r}")
    _name(cls, "name")
    if not isinstance(getattr(cls, "summary", None), str):
        raise PluginError(f"{cls.__name__} has no summary; give it one sentence")
    for method in methods:
        if getattr(cls, method) is getattr(kind, method):
            raise PluginError(
                f"{cls.__name__} does not define {method}; zoo.{kind.__name__} shows what it takes and returns"
            )
    return cls


def check_objective(objective: object) -> None:
    """Raise PluginError where `objective` is not named, or lacks one of the methods of `zoo.Objective`."""
    if isinstance(objective, type):
        raise PluginError(f"register() takes an objective, not its class: write register({objective.__name__}(…))")
    title = type(objective).__name__
    name = _name(objective, "kind")
    for method in ("discriminator_loss", "generator_loss"):
        if not callable(getattr(objective, method, None)):
            raise PluginError(f"{title} does not define {method}; zoo.Objective shows what it takes and returns")
    _not_ours(title, "kind", name, set(KINDS), "an objective")


def _name(value: object, attribute: str) -> str:
    """Its name. Raises PluginError where that is missing or could not be typed."""
    name = getattr(value, attribute, None)
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        title = value.__name__ if isinstance(value, type) else type(value).__name__
        raise PluginError(f"{title}.{attribute} is {name!r}; give it lower-case letters, digits, '-' and '_'")
    return name


def _not_ours(title: str, attribute: str, name: str, ours: set[str], kind: str) -> None:
    if name in ours:
        raise PluginError(f"{title}.{attribute} is {name!r}, which is {kind} that comes with zoo; choose another")
