"""Reads a command's arguments by the types of its options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, make_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro

from zoo.architecture import Architecture
from zoo.cli.flags import check_flags
from zoo.errors import OptionError
from zoo.options import GROUPS, MOST_USED, Options
from zoo.options.resolve import resolve
from zoo.options.size import Size
from zoo.plugins.registry import registry

T = TypeVar("T")


def parse(kind: type[T], command: str, arguments: Sequence[str]) -> T:
    """`kind` (a dataclass) built from the arguments; its docstring is the help's introduction.

    Exits with code 2 and a message for arguments that do not fit.
    """
    _refuse_empty_out(arguments)
    check_flags(arguments, get_type_hints(kind, include_extras=True), f"zoo {command}")
    return tyro.cli(kind, prog=f"zoo {command}", args=list(arguments), description=inspect.getdoc(kind))


Own = dict[str, tuple[Any, Any, str]]
"""Arguments of a command's own: name to type, default and help."""


def training_defaults(
    architecture: Architecture,
    arguments: Sequence[str],
    flags: Mapping[str, Any] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> tuple[Options, Own]:
    """What the options are where they are not given, under the preset and the file that the arguments name; and these two.

    `flags` are values that the command gives them itself; `chosen` further keywords of `resolve`, for data that chose them.
    """
    asked = early(arguments, "preset", "config")
    layers = {"flags": flags, **(chosen or {})}
    defaults, preset = resolve(architecture, preset=asked.get("preset"), config=asked.get("config"), **layers)
    names = ", ".join(architecture.presets) or "none here"
    return defaults, {
        "preset": (
            str | None,
            preset,
            f"A named set of values: {names}; by default what suits data and device. zoo info {architecture.name} tells of each.",
        ),
        "config": (Path | None, None, "Values from a TOML file, or from the config.json of an earlier run."),
    }


def name_first(
    command: str, arguments: Sequence[str], check: Callable[[str], None] | None = None
) -> tuple[Architecture, list[str]]:
    """The architecture that the first argument names, and the other arguments; `check` raises where it is none, and says more.

    Raises OptionError where an option comes first, PluginError where there is no such architecture.
    """
    name, *rest = arguments
    if name.startswith("-"):
        raise OptionError(f"zoo {command} takes the architecture's name first, then options; given {name!r} (zoo list)")
    if check is not None:
        check(name)
    return registry().architecture(name), rest


def parse_training(
    architecture: Architecture,
    arguments: Sequence[str],
    defaults: Options,
    own: Own,
    *,
    command: str = "train",
    about: str = "Train",
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The arguments of ``zoo train NAME`` by name: the options of the architecture and the command's `own`.

    Options in `without` are not taken. `defaults` are what the help shows and what an option keeps that is not given. The
    options are parsed as plain values; what they may be is for `zoo.options.resolve.validate` to say. `command` and `about` are for
    the help.
    """
    fields = {name: row for name, row in rows_of(architecture.Options, defaults).items() if name not in without}
    most_used = {**own, **{name: fields.pop(name) for name in MOST_USED if name in fields}}
    added = {name: row for name, row in fields.items() if name not in Options.model_fields}
    groups = {
        "most used": most_used,
        architecture.name if architecture.name not in GROUPS else f"{architecture.name} architecture": added,
        **by_concern(fields),
    }
    about = f"{about} {architecture.name}: {architecture.summary()}"
    return parse_groups(groups, f"{command} {architecture.name}", arguments, about)


def parse_groups(groups: Mapping[str, Own], command: str, arguments: Sequence[str], about: str) -> dict[str, Any]:
    """The arguments of a command by name, of groups that the help shows under their titles; those that are empty are left out.

    Exits with code 2 and a message for arguments that do not fit. `about` is the help's introduction.
    """
    groups = {title: group for title, group in groups.items() if group}
    rows = {name: row for group in groups.values() for name, row in group.items()}
    _refuse_empty_out(arguments)
    check_flags(arguments, {name: type_ for name, (type_, _, _) in rows.items()}, f"zoo {command}")
    kinds = [(f"group{at}", title, _dataclass(title, group)) for at, (title, group) in enumerate(groups.items())]
    every = make_dataclass(
        "Arguments",
        [(key, Annotated[kind, tyro.conf.arg(name=title)], field(default_factory=kind)) for key, title, kind in kinds],
    )
    parsed: Any = tyro.cli(
        every,
        prog=f"zoo {command}",
        args=list(arguments),
        description=about,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return {name: value for key, _, _ in kinds for name, value in vars(getattr(parsed, key)).items()}


def rows_of(options: type[Options], defaults: Options) -> Own:
    """A class of options as arguments, which keep `defaults` where they are not given."""
    return {
        name: (_plain(info.annotation), _typed(getattr(defaults, name)), info.description or "")
        for name, info in options.model_fields.items()
    }


def by_concern(fields: Own) -> dict[str, Own]:
    """Arguments that are options of zoo's own, in their groups."""
    return {
        title: {name: fields[name] for name in kind.model_fields if name in fields} for title, kind in GROUPS.items()
    }


def _dataclass(title: str, rows: Mapping[str, tuple[Any, Any, str]]) -> type:
    """A group of arguments as tyro takes them."""
    kind = make_dataclass(
        "Group",
        [
            (name, Annotated[type_, tyro.conf.arg(help=help_.replace("\n", " "))], _default(default))
            for name, (type_, default, help_) in rows.items()
        ],
    )
    kind.__doc__ = inspect.getdoc(GROUPS[title]) if title in GROUPS else ""
    return kind


def given_by_hand(parsed: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Those of the parsed arguments that were typed, as against those that keep a default."""
    names = {a[2:].partition("=")[0].partition(".")[0].replace("-", "_") for a in arguments if a.startswith("--")}
    names |= {name.removeprefix("no_") for name in names}
    return {key: value for key, value in parsed.items() if key in names}


def _refuse_empty_out(arguments: Sequence[str]) -> None:
    """Raise OptionError for an empty --out, as an unset variable of a shell leaves it: it would mean the current folder."""
    if early(arguments, "out").get("out") == "":
        raise OptionError("--out is empty; give a name, or leave it out")


def _default(value: Any) -> Any:
    return field(default_factory=lambda: value)  # also for lists and the like, which a plain default may not be


def early(arguments: Sequence[str], *names: str) -> dict[str, str]:
    """The values of a few flags that decide how the others are read; ``--config FILE`` and ``--config=FILE`` alike."""
    found: dict[str, str] = {}
    for position, argument in enumerate(arguments):
        name, equals, value = argument.removeprefix("--").partition("=")
        if argument.startswith("--") and name in names:
            if equals:
                found[name] = value
            elif position + 1 < len(arguments):
                found[name] = arguments[position + 1]
    return found


def _typed(default: Any) -> Any:
    """A default as it would be typed."""
    return str(default) if isinstance(default, Size) else default


def _plain(annotation: Any) -> Any:
    """The type without pydantic's constraints, which the help need not show: ``Annotated[int, …] | None`` is ``int | None``."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if annotation is Size:
        return str  # one word, which pydantic takes apart
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(_plain(each) for each in get_args(annotation))]  # noqa: UP007 (of types known at run time)
    return annotation
