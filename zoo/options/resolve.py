"""Resolves options: defaults < preset < configuration file < flags."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from zoo.errors import OptionError, unknown
from zoo.options import Options
from zoo.options.alternatives import superseded
from zoo.options.config_file import read_config
from zoo.options.owner import Owner
from zoo.system.names import brief


@dataclass(frozen=True)
class Inherited:
    """What a new run takes of another one where nothing else is given."""

    preset: str | None
    """The preset where none is named."""
    options: Mapping[str, Any]
    """They beat that preset, and nothing that is given."""
    place: Path
    """The config.json that they are from."""


def resolve(
    architecture: Owner,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    flags: Mapping[str, Any] | None = None,
    inherited: Inherited | None = None,
    suited: str | None = None,
    suited_options: Mapping[str, Any] | None = None,
) -> tuple[Options, str | None]:
    """The validated options of a run, and the name of the preset in force (None for the plain defaults).

    `flags` are the values given by hand, by field name; `inherited` those of a run to begin with. `suited` is the preset where
    none of these names one, in place of the default one, and `suited_options` are then set on top of it. Raises OptionError for
    a preset, file, name or value that does not fit.
    """
    if config is not None and not isinstance(config, str | os.PathLike):
        raise OptionError(f"config is {config!r}; give the path of a file")
    path = None if config is None else Path(config)
    file = {} if path is None else read_config(path, architecture)
    named = file.pop("preset", None)
    asked = preset is not None or named is not None
    taken = inherited or Inherited(None, {}, Path())
    choices = (preset, named, taken.preset, suited, architecture.default_preset)
    preset = next((name for name in choices if name is not None), None)  # an empty name is one too, of no preset
    values: dict[str, Any] = {}
    places: dict[str, Path] = {}
    layers: list[tuple[Path | None, Mapping[str, Any]]]
    with _naming(path if preset is named else None):
        layers = [(None, _preset(architecture, preset)), (taken.place, taken.options)]
    on_top = {} if asked or taken.preset is not None else dict(suited_options or {})
    layers = [*(reversed(layers) if asked else layers), (None, on_top), (path, file), (None, dict(flags or {}))]
    for place, layer in layers:
        with _naming(place):
            for name in layer:
                if name not in architecture.Options.model_fields:
                    raise OptionError(unknown("option", name, architecture.Options.model_fields, _help(architecture)))
            try:
                for name in superseded(layer, values):  # what is given last counts, in whichever unit
                    values.pop(name, None)
            except ValueError as error:
                raise OptionError(str(error)) from None
        values |= layer
        for name in layer:
            places.pop(name, None)
            places |= {} if place is None else {name: place}
    return validate(architecture, values, places), preset


@contextmanager
def _naming(place: Path | None) -> Iterator[None]:
    """Name the file in what is said about its content."""
    try:
        yield
    except OptionError as error:
        raise (error if place is None else OptionError(f"{place}: {error}")) from None


def validate(
    architecture: Owner, values: Mapping[str, Any], places: Mapping[str, Path] | None = None, advice: str | None = None
) -> Options:
    """The architecture's options with these values. Raises OptionError that names each one that does not fit.

    `places`: the files that values are from, by option; others were typed as flags, or are told of as if they were.
    `advice`: what to do, by default to read the help.
    """
    places, advice = places or {}, advice or f"({_help(architecture)})"
    fields = architecture.Options.model_fields
    numbers = [name for name, value in values.items() if isinstance(value, bool) and name in fields]
    truths = [name for name in numbers if _is_number(fields[name].annotation)]
    if truths:  # which pydantic takes for 0 and 1
        told = (f"{_called(name, places)}: {brief(values[name])} does not fit: give a number" for name in truths)
        raise OptionError(f"{'; '.join(told)} {advice}")
    try:
        return architecture.make_options(values)
    except ValidationError as error:
        raise option_error(error, architecture, places, advice) from None


def option_error(
    error: ValidationError, architecture: Owner, places: Mapping[str, Path] | None = None, advice: str | None = None
) -> OptionError:
    """What pydantic found, in terms of flags: ``--learning-rate: nan is refused: input should be a finite number``.

    `places` and `advice`: as for `validate`.
    """
    places, advice = places or {}, advice or f"({_help(architecture)})"
    lines = []
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        field = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "string_pattern_mismatch":
            message = architecture.Options.model_fields[field].description or message
        if problem["type"] == "extra_forbidden":
            where = f"{places[field]}: " if field in places else ""
            lines.append(where + unknown("option", field, architecture.Options.model_fields))
        elif field:
            called = _called(field, places)
            lines.append(f"{called}: {brief(problem['input'])} does not fit: {message[0].lower()}{message[1:]}")
        else:
            lines.append(message)
    return OptionError(f"{'; '.join(dict.fromkeys(lines))}{'' if advice.startswith(';') else ' '}{advice}")


def _called(field: str, places: Mapping[str, Path]) -> str:
    """How an option is called where its value is from: ``--batch-size``, or ``c.toml: batch-size``."""
    if field not in places:
        return flag(field)
    place = places[field]
    return f"{place}: {field if place.suffix == '.json' else field.replace('_', '-')}"


def _is_number(annotation: Any) -> bool:
    """Whether an option takes numbers, or nothing, and no truth values."""
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_number(each) for each in get_args(annotation) if each is not NoneType)
    if get_origin(annotation) is Literal:
        return not any(isinstance(choice, bool | str) for choice in get_args(annotation))
    return annotation in (int, float)


def flag(field: str) -> str:
    """How an option is written on the command line."""
    return "--" + field.replace("_", "-")


def _preset(architecture: Owner, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    if not isinstance(name, str) or name not in architecture.presets:  # a file can hold anything
        hint = f"zoo info {architecture.name}"
        raise OptionError(unknown(f"preset of {architecture.name}", str(name), architecture.presets, hint))
    return dict(architecture.presets[name])


def _help(architecture: Owner) -> str:
    return f"zoo train {architecture.name} --help"
