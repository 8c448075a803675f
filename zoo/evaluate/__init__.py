"""How good a trained generator is: the metrics that come with zoo, and what any metric is given.

The metrics reach ``zoo evaluate`` through a plugin, as everybody's do (`zoo.Metric`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.evaluate.context import RunContext
    from zoo.evaluate.digits import DigitReader
    from zoo.evaluate.modes import ModeCoverage

__all__ = ["DigitReader", "ModeCoverage", "RunContext"]

# Imported when first used: the metrics are registered when the plugin is loaded, and a context needs torch.
_HOMES = {"DigitReader": "digits", "ModeCoverage": "modes", "RunContext": "context"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"zoo.evaluate.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
