"""The metric ``modes``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.metric import EvaluationContext, Metric

if TYPE_CHECKING:
    from zoo.evaluate.coverage import Coverage


class ModeCoverage(Metric):
    """Which modes of a mixture a generator has found, after Srivastava et al. 2017 (VEEGAN, https://arxiv.org/abs/1705.07761).

    For data whose modes are known: ``--data ring``, ``grid`` and ``line``, and any other source of points that has a `mixture`,
    with the means `modes` (k, d) and the one standard deviation `deviation` of its Gaussians.
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
    }

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`: data whose modes are not known."""
        if context.generator.spec.points and hasattr(context.source, "mixture"):
            return None
        return "the modes of the data are not known; of --data ring, grid or line they are"

    def coverage(self, context: EvaluationContext) -> Coverage:
        """The samples at each mode."""
        from zoo.evaluate.coverage import coverage
        from zoo.generate.pictures.scatter import to_points

        source: Any = context.source
        return coverage(to_points(context.fakes.images), source.mixture)

    def compute(self, context: EvaluationContext) -> Mapping[str, float]:
        """As `Metric.compute`."""
        found = self.coverage(context)
        return {
            "found": found.found,
            "modes": found.modes,
            "high_quality": found.high_quality,
            "rarest": int(found.counts.min()) / found.samples,
        }
