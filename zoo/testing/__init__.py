"""The conformance kit: proof that an architecture behaves, for its author and for whoever installs it.

`check` asks an architecture whether it keeps each promise that zoo relies on: the images it makes, gradients, labels, state,
resume and the rest (`PROMISES`). ``zoo check NAME`` does so from the command line, and the pytest plugin makes a test of each
promise. The names are resolved when first used: the pytest plugin, which lies here too, is to cost nothing where it is not used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.testing.kit import PROMISES, Promise, check
    from zoo.testing.outcome import BrokenPromise, NotChecked, Outcome

_HOME = {
    "PROMISES": "zoo.testing.kit",
    "BrokenPromise": "zoo.testing.outcome",
    "NotChecked": "zoo.testing.outcome",
    "Outcome": "zoo.testing.outcome",
    "Promise": "zoo.testing.kit",
    "check": "zoo.testing.kit",
}

__all__ = ["PROMISES", "BrokenPromise", "NotChecked", "Outcome", "Promise", "check"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'zoo.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
