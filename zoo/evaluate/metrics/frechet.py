"""The metric ``frechet``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext


class FrechetDistance(FeatureMetric):
    """The Fréchet distance of features (Heusel et al. 2017, https://arxiv.org/abs/1706.08500), with what it tends to with ever more
    images (Chong & Forsyth 2020, https://arxiv.org/abs/1911.07023). With the features of Inception it is the FID."""

    name = "frechet"
    order = 10
    summary = (
        "The Fréchet distance between the features of generated and of real images: the FID, of the chosen network."
    )
    numbers: ClassVar[Mapping[str, str]] = {
        "distance": "squared Fréchet distance of all of both, as published figures are; the fewer images, the larger",
        "unbiased": "what that tends to with ever more images; 0 is best",
        "over_floor": "of as many images as half the real ones, over what the other half gives; 1 is as good as real",
    }
    best: ClassVar[Mapping[str, Best]] = {"distance": "lowest", "unbiased": "lowest", "over_floor": "lowest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`; `unbiased` where there are four times as many of both as an image has features."""
        import numpy as np

        from zoo.evaluate.measures import frechet
        from zoo.evaluate.measures.frechet import Moments
        from zoo.evaluate.measures.intervals import around

        seen = context.features
        fakes, real, (one, other) = seen.fakes, seen.real, seen.halves
        of_real = seen.once("frechet.real", lambda: Moments.of(real))
        halves = seen.once("frechet.halves", lambda: (Moments.of(one), Moments.of(other)))
        floor = seen.once("frechet.floor", lambda: frechet.distance(*halves))
        value, error = frechet.distance_with_error(fakes, real, of_real)
        found: dict[str, float | Estimate] = {"distance": around(value, error, floor, least=0)}
        parts = frechet.parts_of(len(fakes), len(real), fakes.shape[1])
        if parts >= 2:
            of_halves = frechet.parts_of(len(one), len(other), fakes.shape[1])
            tends = frechet.unbiased(fakes, real, value, parts)
            least = None
            if of_halves >= 2:
                least = seen.once("frechet.least", lambda: frechet.unbiased(one, other, floor, of_halves).value)
            found["unbiased"] = around(tends.value, float(np.hypot(error, tends.error)), least)
        if floor > 0:
            some = Moments.of(fakes[: len(one)])
            as_many = [frechet.distance(some, half) for half in halves]
            scale = (len(real) / len(one)) ** 0.5  # the error of fewer images
            found["over_floor"] = around(sum(as_many) / 2 / floor, error * scale / floor, 1.0, least=0)
        return found
