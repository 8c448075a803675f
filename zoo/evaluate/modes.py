"""The metric ``modes``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.metric import Best, Estimate, EvaluationContext, Metric

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.evaluate.coverage import Coverage


class ModeCoverage(Metric):
    """Which modes of a mixture a generator has found, after Srivastava et al. 2017 (VEEGAN, https://arxiv.org/abs/1705.07761).

    For data whose modes are known: ``--data ring``, ``grid`` and ``line``, and any other source of points that has a `mixture`,
    with the means `modes` (k, d) and the one standard deviation `deviation` of its Gaussians, and their `weights` (k,), sum 1,
    where they are not equal.
    """

    name = "modes"
    order = 70
    summary = "How many modes of the data are found, and how many samples lie near one."
    samples = 2500
    numbers: ClassVar[Mapping[str, str]] = {
        "found": "modes that are nearest to a sample of high quality",
        "modes": "modes that the data has",
        "high_quality": "share of samples within 3 standard deviations of the nearest mode",
        "rarest": "share of samples that are of high quality and nearest to the mode that has fewest",
        "covered": "share of the data that samples of high quality make up, each mode at most its own share",
    }
    # By `covered` first: the others are highest of a generator that draws one mode, or is the same once all are found.
    best: ClassVar[Mapping[str, Best]] = {"covered": "highest", "found": "highest", "high_quality": "highest"}

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`: data whose modes are not known."""
        if context.generator.spec.points and hasattr(context.source, "mixture"):
            return None
        return "the modes of the data are not known; of --data ring, grid or line they are"

    def coverage(self, context: EvaluationContext) -> Coverage:
        """The samples at each mode."""
        return self._of(context, context.fakes.images)

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`; the floors are of as many points of the data."""
        import numpy as np

        from zoo.evaluate.measures.intervals import around, share

        source: Any = context.source
        found, real = self.coverage(context), self._of(context, context.real(context.samples))
        weights = np.asarray(getattr(source.mixture, "weights", np.full(found.modes, 1 / found.modes)), np.float64)
        covered, bias, error = found.covered_with_error(weights, np.random.default_rng(context.seed))
        whole = around(covered, error, real.covered(weights), 0, 1)
        good, rarest = int(found.counts.sum()), int(found.counts.min())
        return {
            "found": found.found,
            "modes": found.modes,
            "high_quality": share(good, found.samples, real.high_quality),
            "rarest": share(rarest, found.samples, int(real.counts.min()) / real.samples),
            # The bootstrap sees some of the bias: three times it is what holds the truth where the generator is perfect.
            "covered": replace(whole, high=min(1.0, whole.high + 3 * bias)),
        }

    def _of(self, context: EvaluationContext, points: Tensor) -> Coverage:
        from zoo.evaluate.coverage import coverage
        from zoo.generate.pictures.scatter import to_points

        source: Any = context.source
        return coverage(to_points(points), source.mixture)
