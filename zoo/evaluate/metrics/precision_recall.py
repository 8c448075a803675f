"""The metric ``precision_recall``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext


class PrecisionRecall(FeatureMetric):
    """Improved precision and recall (Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991), k = 3, of as many images of
    either kind as half the real ones are: the two depend on how many there are, so that they compare with their floor."""

    name = "precision_recall"
    order = 30
    summary = "How many generated images lie where real ones do, and how many real ones where generated ones do."
    numbers: ClassVar[Mapping[str, str]] = {
        "precision": "share of generated images within the manifold of real ones",
        "recall": "share of real images within the manifold of generated ones",
    }
    best: ClassVar[Mapping[str, Best]] = {"precision": "highest", "recall": "highest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`."""
        from zoo.evaluate.measures.intervals import share
        from zoo.evaluate.measures.neighbours import PR_NEIGHBOURS, balls_of, within

        seen = context.features
        fakes, one, other = seen.matched
        balls = seen.once(f"precision_recall.balls.{len(one)}", lambda: balls_of(one, PR_NEIGHBOURS))
        floors = seen.once(
            f"precision_recall.floors.{len(one)}", lambda: (within(other, one, balls=balls), within(one, other))
        )
        found = {"precision": (within(fakes, one, balls=balls), floors[0]), "recall": (within(one, fakes), floors[1])}
        counts = {"precision": len(fakes), "recall": len(one)}
        return {
            name: share(of.value * counts[name], counts[name], floor.value, of.error)
            for name, (of, floor) in found.items()
        }
