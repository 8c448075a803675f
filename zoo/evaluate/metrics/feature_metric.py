"""What the metrics that compare features have in common."""

from __future__ import annotations

from typing import ClassVar

from zoo.metric import EvaluationContext, Metric

SAMPLES = 5000
"""Images that they judge where nobody says: all the same ones, so that features are computed once."""


class FeatureMetric(Metric):
    """A metric of the features of generated and real images."""

    samples = SAMPLES
    uses_features = True
    fewest: ClassVar[int] = 50
    """Images of either kind, and of half the real ones, below which its numbers mean nothing."""

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`: points, and too few images."""
        if context.spec.points:
            return "it compares pictures, and the data is points"
        if context.samples < self.fewest:
            return f"it takes {self.fewest} pictures or more, and there are {context.samples:,}"
        if context.real_count < 2 * self.fewest:
            return f"it takes {2 * self.fewest} real images or more, and the data has {context.real_count:,}"
        return None
