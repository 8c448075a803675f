"""How good a trained generator is: the metrics that come with zoo, and what any metric is given.

The metrics reach ``zoo evaluate`` through a plugin, as everybody's do (`zoo.Metric`). The module can be called:
``zoo.evaluate("runs/dcgan-001")`` is the command in Python, `zoo.plugins.evaluation.evaluate`.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zoo.errors import OptionError, unknown

if TYPE_CHECKING:
    from zoo.evaluate.context import RunContext
    from zoo.evaluate.digits import DigitReader
    from zoo.evaluate.metrics.classes import ClassScores
    from zoo.evaluate.metrics.copies import CopiedImages
    from zoo.evaluate.metrics.density_coverage import DensityCoverage
    from zoo.evaluate.metrics.frechet import FrechetDistance
    from zoo.evaluate.metrics.kid import KernelDistance
    from zoo.evaluate.metrics.precision_recall import PrecisionRecall
    from zoo.evaluate.modes import ModeCoverage
    from zoo.evaluate.pictures import PicturesContext

__all__ = [
    "ClassScores", "CopiedImages", "DensityCoverage", "DigitReader", "FrechetDistance", "KernelDistance", "ModeCoverage",
    "PicturesContext", "PrecisionRecall", "RunContext",
]  # fmt: skip

# Imported when first used: the metrics are registered when the plugin is loaded, and a context needs torch.
_HOMES = {
    "ClassScores": "metrics.classes",
    "CopiedImages": "metrics.copies",
    "DensityCoverage": "metrics.density_coverage",
    "DigitReader": "digits",
    "FrechetDistance": "metrics.frechet",
    "KernelDistance": "metrics.kid",
    "ModeCoverage": "modes",
    "PicturesContext": "pictures",
    "PrecisionRecall": "metrics.precision_recall",
    "RunContext": "context",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"zoo.evaluate.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """This module, which ``zoo.evaluate(…)`` calls: `zoo.evaluate` is the name of both the room and what is done in it."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """`zoo.plugins.evaluation.evaluate`, which knows the plugins, as this room does not."""
        evaluate = importlib.import_module("zoo.plugins.evaluation").evaluate
        known = list(inspect.signature(evaluate).parameters)
        for name in options:
            if name not in known:
                raise OptionError(unknown("option of zoo.evaluate", name, known[1:]))
        return evaluate(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
