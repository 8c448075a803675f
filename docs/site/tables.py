"""Tables made from what zoo itself says: options with their types and ranges, presets, the help of each command."""

from __future__ import annotations

import contextlib
import inspect
import io
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from zoo.cli import run
from zoo.options import GROUPS, Options
from zoo.options.base import Group
from zoo.options.resolve import flag
from zoo.options.size import Size
from zoo.plugins.registry import registry

ENDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


def options(name: str = "") -> str:
    """The options that every architecture has, by group, or those that the architecture `name` adds."""
    if name:
        cls = registry().contribution(name).value.Options
        return _table(cls, [field for field in cls.model_fields if field not in Options.model_fields])
    return "\n\n".join(
        f"### {title.capitalize()}\n\n{inspect.getdoc(group)}\n\n{_table(group, list(group.model_fields))}"
        for title, group in GROUPS.items()
    )


def presets(name: str) -> str:
    """The presets of an architecture: the sentence on each, and what it sets."""
    cls = registry().contribution(name).value
    rows = ["| preset | what it is | sets |", "|---|---|---|"]
    for preset, values in cls.presets.items():
        mark = " (default)" if preset == cls.default_preset else ""
        sets = ", ".join(f"`{key}={value}`" for key, value in values.items()) or "the defaults"
        rows.append(f"| `{preset}`{mark} | {_cell(cls.preset_notes.get(preset, ''))} | {_cell(sets)} |")
    return "\n".join(rows)


def checks() -> str:
    """The checks that are asked for, in order."""
    from zoo.testing import CHECKS

    rows = [f"| `{name}` | {_cell(check.sentence)} |" for name, check in CHECKS.items()]
    return "\n".join(["| check | what it says |", "|---|---|", *rows])


def helps(*words: str) -> str:
    """What ``zoo WORDS --help`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        run([*words, "--help"])
    return f"```text\n{printed.getvalue().rstrip()}\n```"


def _table(cls: type[Group], names: list[str]) -> str:
    if not names:
        return "None of its own."
    rows = ["| option | value | default | what it is |", "|---|---|---|---|"]
    for name in names:
        info = cls.model_fields[name]
        value = describe(Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation)
        default = "" if info.default is None else f"`{_shown(info.default)}`"
        rows.append(f"| `{flag(name)}` | {_cell(value)} | {default} | {_cell(info.description or '')} |")
    return "\n".join(rows)


def describe(kind: Any) -> str:
    """A type and its range in words: "a whole number, 4 to 4096"."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        ends = {end: getattr(part, end) for part in _constraints(inside[1:]) for end in ENDS if hasattr(part, end)}
        if {"ge", "le"} <= ends.keys():
            return f"{describe(inside[0])}, {_shown(ends['ge'])} to {_shown(ends['le'])}"
        words = " and ".join(ENDS[end].format(_shown(ends[end])) for end in ENDS if end in ends)
        return f"{describe(inside[0])}{', ' if words else ''}{words}"
    if origin in (Union, UnionType):
        return " or ".join(describe(each) for each in inside if each is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in inside)
    if origin is tuple:
        return f"any number of: {describe(inside[0])}"
    return {
        Size: "two joined by x (`64x48`)",
        int: "a whole number",
        float: "a number",
        bool: "yes or no",
        str: "a text",
    }.get(kind, f"`{kind}`")


def _constraints(parts: tuple[Any, ...]) -> list[Any]:
    """What bounds a value: pydantic keeps it flat, or inside of a Field."""
    return [each for part in parts for each in getattr(part, "metadata", [part])]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and value > 2**53:
        return f"2^{value.bit_length() - 1}" if value & (value - 1) == 0 else str(value)
    return " ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")
