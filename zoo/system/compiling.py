"""torch.compile, where it works; the reason in one line, where it does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """torch.compile of a function for the one shape it will see.

    What was compiled before is forgotten: torch compiles the same code only so often.
    """
    torch.compiler.reset()
    result: Callable[..., Any] = torch.compile(function, dynamic=False)
    return result


@cache
def obstacle() -> str | None:
    """Why nothing can be compiled here; None where it works. Tried once."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled(lambda x: x * 2 + 1)(torch.ones(7))
    except Exception as error:  # no compiler, an unsupported Python, a broken cache: all the same to us
        return reason(error)
    return None


def reason(error: Exception) -> str:
    """An error of the compiler's in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return f"torch.compile failed: {type(error).__name__}" + (f": {text[:160]}" if text else "")
