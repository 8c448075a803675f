"""The report on runs: one HTML page that needs nothing else.

The module can be called: ``zoo.report("runs/dcgan-001")`` is ``zoo report`` in Python, `zoo.report.write.write_report`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """This module, which ``zoo.report(…)`` calls: `zoo.report` is the name of both the room and what is done in it."""

    def __call__(self, *runs: Any, **options: Any) -> Any:
        """`zoo.report.write.write_report`."""
        return importlib.import_module("zoo.report.write").write_report(*runs, **options)


sys.modules[__name__].__class__ = _Callable
