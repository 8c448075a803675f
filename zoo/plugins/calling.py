"""Calls a plugin's function: one that cannot be called so is named, with its file and line."""

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


def _place(function: Callable[..., Any]) -> str:
    """Where the function is written: `` (FILE:LINE)``; empty for what is not written in Python."""
    found: Any = inspect.unwrap(function)
    code = getattr(getattr(found, "__func__", found), "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
