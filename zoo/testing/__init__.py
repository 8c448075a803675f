"""The conformance kit: proof that an architecture behaves, for its author and for whoever installs it.

`check` asks an architecture for each check of what zoo relies on: the images it makes, gradients, labels, state,
resume and the rest (`CHECKS`). ``zoo check NAME`` does so from the command line, and the pytest plugin makes a test of each
check. The names are resolved when first used: the pytest plugin, which lies here too, is to cost nothing where it is not used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.testing.kit import CHECKS, Check, check
    from zoo.testing.metrics import METRIC_CHECKS, check_metric
    from zoo.testing.outcome import CheckFailed, CheckSkipped, Outcome

_HOME = {
    "CHECKS": "zoo.testing.kit",
    "CheckFailed": "zoo.testing.outcome",
    "CheckSkipped": "zoo.testing.outcome",
    "Outcome": "zoo.testing.outcome",
    "Check": "zoo.testing.kit",
    "METRIC_CHECKS": "zoo.testing.metrics",
    "check": "zoo.testing.kit",
    "check_metric": "zoo.testing.metrics",
}

__all__ = ["CHECKS", "METRIC_CHECKS", "Check", "CheckFailed", "CheckSkipped", "Outcome", "check", "check_metric"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    from zoo.deprecated import RENAMED, warn_deprecated

    if f"zoo.testing.{name}" in RENAMED:
        warn_deprecated(f"zoo.testing.{name}")
        return __getattr__(RENAMED[f"zoo.testing.{name}"].removeprefix("zoo.testing."))
    raise AttributeError(f"module 'zoo.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
