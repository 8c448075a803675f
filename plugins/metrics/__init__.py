"""The metrics that come with zoo."""

from __future__ import annotations

from collections.abc import Callable

import zoo


@zoo.hookimpl
def zoo_register_metrics(register: Callable[[type[zoo.Metric]], None]) -> None:
    """Those of `zoo.evaluate`."""
    register(zoo.evaluate.FrechetDistance)
    register(zoo.evaluate.KernelDistance)
    register(zoo.evaluate.PrecisionRecall)
    register(zoo.evaluate.DensityCoverage)
    register(zoo.evaluate.CopiedImages)
    register(zoo.evaluate.ClassScores)
    register(zoo.evaluate.ModeCoverage)
    register(zoo.evaluate.DigitReader)
