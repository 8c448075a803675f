"""The commands of plugins for ``zoo --help``, which is to answer at once. Importing this imports neither torch nor pydantic."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint

from zoo.errors import PluginError
from zoo.plugins.plugin import Plugin
from zoo.plugins.selection import selected

HOOK = "zoo_register_commands"


def commands_of_plugins() -> dict[str, str]:
    """Name to summary, sorted: the commands that the registry will find, without loading what plugins bring beside them.

    Only modules whose source speaks of the hook are imported, and nothing is checked: what does not work is left out here, and
    told of by whoever loads it for good (`zoo.plugins.registry`).
    """
    found: dict[str, str] = {}
    try:
        chosen, _ = selected(importlib.metadata.entry_points(group="zoo"))
    except PluginError:  # ZOO_PLUGINS names one that is not there: every other command says so
        return found

    def register(command: object) -> None:
        name, summary = getattr(command, "name", None), getattr(command, "summary", None)
        if isinstance(name, str) and isinstance(summary, str):
            found[name] = summary

    for point in chosen:
        if not _may_bring_some(point):
            continue
        try:
            with redirect_stdout(sys.stderr):
                for implementation in _implementations(point.load()):
                    implementation(register)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException:
            continue
    return dict(sorted(found.items()))


def _implementations(module: object) -> list[Callable[..., None]]:
    """The functions of a module that implement the hook, under its name or (``specname``) another."""
    marks = {name: getattr(value, "zoo_impl", None) for name, value in vars(module).items() if callable(value)}
    return [getattr(module, name) for name, mark in marks.items() if mark and (mark.get("specname") or name) == HOOK]


def _may_bring_some(point: EntryPoint) -> bool:
    """Whether a plugin's module names the hook, or takes in names that it does not name; one without source may, too."""
    for file in Plugin(point.name, "", "", point.value).files():  # whose distribution need not be read for it
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        return HOOK in text or "import *" in text
    return True
