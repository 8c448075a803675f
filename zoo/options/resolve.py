"""Resolves options: defaults < preset < configuration file < flags."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from zoo.errors import OptionError, unknown
from zoo.options import Options
from zoo.system.denied import denied

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_Options = Options  # a name that the property below does not hide


class Owner(Protocol):
    """Whoever has options: an architecture (`zoo.Architecture`)."""

    @property
    def name(self) -> str: ...
    @property
    def Options(self) -> type[_Options]: ...  # noqa: N802
    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def default_preset(self) -> str | None: ...
    def make_options(self, values: Mapping[str, Any], /) -> _Options: ...


def resolve(
    architecture: Owner,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    flags: Mapping[str, Any] | None = None,
) -> tuple[Options, str | None]:
    """The validated options of a run, and the name of the preset in force (None for the plain defaults).

    `flags` are the values given by hand, by field name. Raises OptionError for a preset, file, name or value that does
    not fit.
    """
    file = read_config(Path(config), architecture) if config is not None else {}
    named = file.pop("preset", None)
    choices = (preset, named, architecture.default_preset)
    preset = next((name for name in choices if name is not None), None)  # an empty name is one too, of no preset
    layers = [_preset(architecture, preset), file, dict(flags or {})]
    values: dict[str, Any] = {}
    for layer in layers:
        for name in layer:
            if name not in architecture.Options.model_fields:
                raise OptionError(unknown("option", name, architecture.Options.model_fields, _help(architecture)))
        if "steps" in layer and layer.get("epochs") is not None:
            raise OptionError("--steps and --epochs both say how long to train; give one of them")
        if "steps" in layer:
            values.pop("epochs", None)  # the length given last counts, in whichever unit
        values |= layer
    return validate(architecture, values), preset


def validate(architecture: Owner, values: Mapping[str, Any]) -> Options:
    """The architecture's options with these values. Raises OptionError that names each one that does not fit."""
    try:
        return architecture.make_options(values)
    except ValidationError as error:
        raise option_error(error, architecture) from None


def option_error(error: ValidationError, architecture: Owner) -> OptionError:
    """What pydantic found, in terms of flags: ``--learning-rate: nan is refused: input should be a finite number``."""
    lines = []
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        field = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "string_pattern_mismatch":
            message = architecture.Options.model_fields[field].description or message
        if problem["type"] == "extra_forbidden":
            lines.append(unknown("option", field, architecture.Options.model_fields))
        elif field:
            lines.append(f"{flag(field)}: {problem['input']!r} does not fit: {message[0].lower()}{message[1:]}")
        else:
            lines.append(message)
    return OptionError("; ".join(dict.fromkeys(lines)) + f" ({_help(architecture)})")


def flag(field: str) -> str:
    """How an option is written on the command line."""
    return "--" + field.replace("_", "-")


def read_config(path: Path, architecture: Owner) -> dict[str, Any]:
    """The options in a TOML file, or in the config.json of a run of the same architecture, by field name.

    Raises OptionError where the file is missing, does not parse or belongs to another architecture.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editors put a byte-order mark before it
    except PermissionError as error:
        raise OptionError(f"--config {denied(path, error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise OptionError(f"cannot read --config {path}: {reason}; give a TOML file or a run's config.json") from None
    try:
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise OptionError(f"--config {path} does not parse: {error}") from None
    if not isinstance(content, dict):
        raise OptionError(f"--config {path} holds a {type(content).__name__}; it should hold names and values")
    if isinstance(content.get("options"), dict):  # a run's config.json
        name = content.get("architecture")
        if name != architecture.name:
            raise OptionError(
                f"--config {path} is of a run of {name!r}, not of {architecture.name!r}; zoo train {name}"
            )
        # An option that an older zoo did not know was at its default, whatever the preset says today.
        fields = architecture.Options.model_fields.items()
        known = {name: info.get_default(call_default_factory=True) for name, info in fields if not info.is_required()}
        options = {**known, **content["options"]}
        if options.get("epochs") is not None:
            options.pop("steps", None)
        return {"preset": content.get("preset"), **options}
    return {key.replace("-", "_"): value for key, value in content.items()}


def _preset(architecture: Owner, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    if not isinstance(name, str) or name not in architecture.presets:  # a file can hold anything
        hint = f"zoo info {architecture.name}"
        raise OptionError(unknown(f"preset of {architecture.name}", str(name), architecture.presets, hint))
    return dict(architecture.presets[name])


def _help(architecture: Owner) -> str:
    return f"zoo train {architecture.name} --help"
