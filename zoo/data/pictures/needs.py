"""Libraries that a kind of data needs and that zoo does without: asked for when they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from zoo.errors import DataError


def need(module: str, extra: str, what: str) -> Any:
    """The module. Raises DataError with the command that installs it, where it is missing or does not load."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise DataError(
            f'{what} need {name}, which is not installed here; pip install "zoo-gan[{extra}]"'
            + ("" if isinstance(error, ModuleNotFoundError) else f" ({error})")
        ) from error
