"""The metric ``kid``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext


class KernelDistance(FeatureMetric):
    """The kernel distance of features (Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401), unbiased for any
    number of images."""

    name = "kid"
    order = 20
    summary = "The kernel distance between the features of generated and of real images, unbiased for few images too."
    numbers: ClassVar[Mapping[str, str]] = {"kid": "squared maximum mean discrepancy; 0 is best, and below 0 is chance"}
    best: ClassVar[Mapping[str, Best]] = {"kid": "lowest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`."""
        from zoo.evaluate.measures.intervals import around
        from zoo.evaluate.measures.kernel import kernel_distance, sums_within

        seen = context.features
        sums = seen.once("kid.real", lambda: sums_within(seen.real))
        floor = seen.once("kid.floor", lambda: kernel_distance(*seen.halves))
        found = kernel_distance(seen.fakes, seen.real, sums)
        return {"kid": around(found.value, found.error, floor.value)}
