"""The metric ``copies``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext

if TYPE_CHECKING:
    import numpy.typing as npt

    from zoo.evaluate.measures.copies import Usual

HELD_OUT = 50
"""Images that a run has held out from which on they, and not a half of the real ones, are what the floor is of."""

HELD_OUT_MOST = 5000


class CopiedImages(FeatureMetric):
    """How many generated images are copies of training images: nearer to one than 99 % of training images are to their nearest
    other one, in pixels and in features. By chance some one in a hundred is; the floor says how many of the images that the run has
    held out are, or else of one half of the real ones those that are copies of the other half. Pixels are those of all training
    images, features those of the real images that are compared with (10,000 at most): of more, a share is scaled up."""

    name = "copies"
    order = 50
    summary = "Share of generated images that are nearer to a training image than training images are to each other."
    numbers: ClassVar[Mapping[str, str]] = {
        "pixels": "share of samples that are copies, by the distance of their pixels, at 32×32 at most",
        "features": "the same by their features, scaled up where there are more training images than are looked at",
    }
    best: ClassVar[Mapping[str, Best]] = {"pixels": "lowest", "features": "lowest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`."""
        import numpy as np

        from zoo.evaluate.measures.copies import copies
        from zoo.evaluate.measures.distances import nearest

        seen, training = context.features, context.training
        learnt = ~np.isin(training.real_places, training.held_out)
        real = seen.real if learnt.all() else seen.real[learnt]
        usual, floor = seen.once("copies.pixels", lambda: _pixels(context))
        found = {"pixels": copies(context.nearest_training.distance, usual, floor)}
        usual, floor = seen.once("copies.features", lambda: _features(context, real, seen.real[~learnt]))
        share = len(real) / len(training)
        found["features"] = copies(nearest(seen.fakes, real).distance, usual, floor, share)
        return found


def _pixels(context: EvaluationContext) -> tuple[Usual, float]:
    """How near training images are to each other by their pixels, and the share of copies among real images."""
    from zoo.evaluate.measures import copies
    from zoo.evaluate.training_pixels import as_rows

    training = context.training
    some = training.some(copies.REFERENCES)
    rows = training.rows(training.places[some])
    usual = copies.usual_distances(rows, training.places[some], lambda beyond: training.nearest(rows, some, beyond))
    held_out = training.held_out[:: -(-len(training.held_out) // HELD_OUT_MOST) or 1]
    if len(held_out) >= HELD_OUT:
        return usual, float((training.nearest(training.rows(held_out)).distance <= usual.threshold).mean())
    one, other = context.features.halves_of
    real = as_rows(context.real_pixels)
    return usual, copies.share_copied(real[other], real[one])


def _features(context: EvaluationContext, real: npt.NDArray[Any], held_out: npt.NDArray[Any]) -> tuple[Usual, float]:
    """The same by their features, of training images and those that are held out."""
    from zoo.evaluate.measures import copies
    from zoo.evaluate.measures.distances import nearest

    usual = copies.usual_within(real, context.seed)
    if len(held_out) >= HELD_OUT:
        return usual, float((nearest(held_out, real).distance <= usual.threshold).mean())
    one, other = context.features.halves
    return usual, copies.share_copied(other, one)
