"""zoo: a plugin-based model zoo of GANs.

The names below are the public face of the package. They are resolved when first used, so that ``import zoo`` imports
neither torch nor pydantic and a command line that needs no network answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from zoo import errors, evaluate, nn, ops, report, testing
    from zoo.architecture import Architecture, Phase
    from zoo.augmentation import Augmentation
    from zoo.callback import Callback
    from zoo.command import Command
    from zoo.data.images import Images, Unreadable
    from zoo.data.source import DataSource
    from zoo.data.spec import DataSpec
    from zoo.engine.train import resume, train
    from zoo.exporter import Exporter
    from zoo.generate.generator import Generator
    from zoo.metric import Estimate, EvaluationContext, Features, Metric
    from zoo.objective import Objective
    from zoo.options import Options
    from zoo.plugins.api_version import API_VERSION
    from zoo.plugins.load import load
    from zoo.plugins.registry import list_architectures
    from zoo.recommendation import Recommendation
    from zoo.run.run import Run
    from zoo.run.scores import Scores
    from zoo.step_context import StepContext
    from zoo.transform import Transform

__version__ = "0.1.0"
"""The version of zoo; `zoo --version` prints it."""

hookimpl = pluggy.HookimplMarker("zoo")
"""Marks a plugin's function as an implementation of one of the hooks of `zoo.plugins.hookspecs`."""

_HOME = {
    "API_VERSION": "zoo.plugins.api_version",
    "Architecture": "zoo.architecture",
    "Augmentation": "zoo.augmentation",
    "Callback": "zoo.callback",
    "Command": "zoo.command",
    "DataSource": "zoo.data.source",
    "DataSpec": "zoo.data.spec",
    "Estimate": "zoo.metric",
    "EvaluationContext": "zoo.metric",
    "Exporter": "zoo.exporter",
    "Features": "zoo.metric",
    "Generator": "zoo.generate.generator",
    "Images": "zoo.data.images",
    "Metric": "zoo.metric",
    "Objective": "zoo.objective",
    "Options": "zoo.options",
    "Phase": "zoo.architecture",
    "Recommendation": "zoo.recommendation",
    "Run": "zoo.run.run",
    "Scores": "zoo.run.scores",
    "StepContext": "zoo.step_context",
    "Transform": "zoo.transform",
    "Unreadable": "zoo.data.images",
    "list_architectures": "zoo.plugins.registry",
    "load": "zoo.plugins.load",
    "resume": "zoo.engine.train",
    "train": "zoo.engine.train",
}
_MODULES = {"errors", "evaluate", "nn", "ops", "report", "testing"}

__all__ = [  # noqa: RUF022 (in the order in which a reader meets them)
    "train",
    "resume",
    "load",
    "Run",
    "Scores",
    "Generator",
    "list_architectures",
    "Architecture",
    "Options",
    "Objective",
    "Phase",
    "Recommendation",
    "StepContext",
    "Callback",
    "Metric",
    "Estimate",
    "EvaluationContext",
    "Features",
    "Augmentation",
    "Transform",
    "Exporter",
    "Command",
    "DataSource",
    "DataSpec",
    "Images",
    "Unreadable",
    "hookimpl",
    "API_VERSION",
    "ops",
    "nn",
    "evaluate",
    "report",
    "testing",
    "errors",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"zoo.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    from zoo.deprecated import RENAMED, warn_deprecated

    if f"zoo.{name}" in RENAMED:
        warn_deprecated(f"zoo.{name}")
        return __getattr__(RENAMED[f"zoo.{name}"].removeprefix("zoo."))
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
