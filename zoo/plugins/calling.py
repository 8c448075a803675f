"""Calls a plugin's function: one that cannot be called so is named, with its file and line; an older one is given what it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from zoo.errors import PluginError


def call(function: Callable[..., Any], usage: str, *arguments: Any, **keywords: Any) -> Any:
    """What the function returns. Raises PluginError where it does not take what it is given; `usage` shows how it is called."""
    try:
        return function(*arguments, **keywords)
    except TypeError as error:
        if (
            error.__traceback__ is not None and error.__traceback__.tb_next is not None
        ):  # it was called, and failed inside
            raise
        raise PluginError(f"{error}{_place(function)}; zoo calls it as {usage}") from error


def call_offering(function: Callable[..., Any], *arguments: Any, **offered: Any) -> Any:
    """What the function returns, given those of the `offered` keywords that it has parameters for.

    So a method that plugins override can be told more than they were written for.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of something that is not written in Python
        return function(*arguments)
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        takes = {each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
        offered = {name: value for name, value in offered.items() if name in takes}
    return function(*arguments, **offered)


def _place(function: Callable[..., Any]) -> str:
    """Where the function is written: `` (FILE:LINE)``; empty for what is not written in Python."""
    found: Any = inspect.unwrap(function)
    code = getattr(getattr(found, "__func__", found), "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
