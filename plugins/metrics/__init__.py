"""The metrics that come with zoo: ``modes`` and ``digits``."""

from __future__ import annotations

from collections.abc import Callable

import zoo


@zoo.hookimpl
def zoo_register_metrics(register: Callable[[type[zoo.Metric]], None]) -> None:
    """Those of `zoo.evaluate`."""
    register(zoo.evaluate.ModeCoverage)
    register(zoo.evaluate.DigitReader)
