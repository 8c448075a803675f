"""The metric ``density_coverage``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext


class DensityCoverage(FeatureMetric):
    """Density and coverage (Naeem et al. 2020, https://arxiv.org/abs/2002.09797), k = 5, of as many images of either kind as half
    the real ones are."""

    name = "density_coverage"
    order = 40
    summary = "How densely generated images lie among real ones, and how many real ones have one near."
    numbers: ClassVar[Mapping[str, str]] = {
        "density": "how many real images a generated one is near to, as a share of 5; 1 is as real ones are",
        "coverage": "share of real images that a generated one is near to",
    }
    best: ClassVar[Mapping[str, Best]] = {"density": "highest", "coverage": "highest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`."""
        from zoo.evaluate.measures.intervals import around, share
        from zoo.evaluate.measures.neighbours import DC_NEIGHBOURS, balls_of, coverage, density

        seen = context.features
        fakes, one, other = seen.matched
        balls = seen.once(f"density_coverage.balls.{len(one)}", lambda: balls_of(one, DC_NEIGHBOURS))
        floors = seen.once(
            f"density_coverage.floors.{len(one)}",
            lambda: (density(other, one, balls=balls), coverage(other, one, balls=balls)),
        )
        dense, covered = density(fakes, one, balls=balls), coverage(fakes, one, balls=balls)
        return {
            "density": around(dense.value, dense.error, floors[0].value, least=0),
            "coverage": share(covered.value * len(one), len(one), floors[1].value, covered.error),
        }
