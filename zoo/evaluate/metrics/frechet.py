"""The metric ``frechet``. Importing this imports no torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext

if TYPE_CHECKING:
    from zoo.evaluate.measures.frechet import Moved
    from zoo.metric import Features

log = logging.getLogger(__name__)


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
        "over_floor": "to half the real images, over that of the other half, as many of each; 1 is as good as real",
    }
    best: ClassVar[Mapping[str, Best]] = {"distance": "lowest", "unbiased": "lowest", "over_floor": "lowest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`; `unbiased` where there are twice as many of both as an image has features, about."""
        from zoo.evaluate.measures.frechet import Moments, error_of, moved
        from zoo.evaluate.measures.intervals import around

        seen = context.features
        fakes, real = seen.fakes, seen.real
        of_fakes, of_real = Moments.of(fakes), seen.once("frechet.real", lambda: Moments.of(real))
        found_of = moved(real, fakes, of_real, of_fakes)
        error = error_of(found_of.one, found_of.other)
        floor = seen.once(f"frechet.floor.{len(fakes)}", lambda: _floor(seen, len(fakes)))
        found: dict[str, float | Estimate] = {"distance": around(found_of.value, error, floor, least=0)}
        found |= _unbiased(seen, found_of)
        return found | _over_floor(seen)


def _floor(seen: Features, count: int) -> float:
    """What as many real images have to all real ones in the place of `count` generated ones: measured of those that are in one
    half and all others, and brought to these counts, as it is in proportion to 1/n + 1/m where nothing else tells the two apart."""
    import numpy as np

    from zoo.evaluate.measures.frechet import Moments, distance

    one, other = seen.halves
    some = min(count, len(other))
    rest = np.concatenate([one, other[some:]])
    scale = (1 / count + 1 / len(seen.real)) / (1 / some + 1 / len(rest))
    return distance(Moments.of(rest), Moments.of(other[:some])) * scale


def _unbiased(seen: Features, moved: Moved) -> dict[str, float | Estimate]:
    """`unbiased`, of a distance that each image, the real ones first, moves so; nothing where there are too few images, which a
    line says once."""
    import numpy as np

    from zoo.evaluate.measures.extrapolation import fewest, parts_of, pieces, unbiased
    from zoo.evaluate.measures.frechet import error_of
    from zoo.evaluate.measures.intervals import around

    fakes, halves = seen.fakes, seen.halves
    mixed = np.concatenate(halves)
    count, dimension = min(len(fakes), len(mixed)), fakes.shape[1]
    parts = parts_of(count, count, dimension)
    if parts < 2:
        why = (
            f"frechet has no unbiased distance: {dimension:,} features take {fewest(dimension):,} images of either kind"
        )
        seen.once("frechet.too_few", lambda: log.warning("%s, and there are %s", why, f"{count:,}"))
        return {}

    def floor() -> float | None:
        half = len(halves[0])
        few = parts_of(half, half, dimension)
        return unbiased(*(pieces(each, half, few) for each in halves)).value if few >= 2 else None

    of_real = seen.once(f"frechet.pieces.{count}", lambda: pieces(mixed, count, parts))
    of_fakes = pieces(fakes, count, parts)
    found = unbiased(of_fakes, of_real)
    # Of the larger set some images are in no piece: those that are in one have more weight.
    used = [min(len(by), len(of) * count) / len(by) for by, of in ((moved.one, of_real), (moved.other, of_fakes))]
    error = error_of(moved.one / used[0] ** 0.5, moved.other / used[1] ** 0.5)
    least = seen.once("frechet.unbiased_floor", floor)
    return {"unbiased": around(found.value, float(np.hypot(error, found.error)), least)}


def _over_floor(seen: Features) -> dict[str, float | Estimate]:
    """`over_floor`: the mean distance of generated images to either half of the real ones, over that of the halves, as many images
    of each. The error is that of the quotient, to which every image of the three sets contributes."""
    from zoo.evaluate.measures.frechet import Moments, error_of, moved
    from zoo.evaluate.measures.intervals import around

    fakes, *halves = seen.matched
    count = len(fakes)
    one, other = seen.once(f"frechet.halves.{count}", lambda: (Moments.of(halves[0]), Moments.of(halves[1])))
    floor = seen.once(f"frechet.between.{count}", lambda: moved(halves[0], halves[1], one, other))
    if floor.value <= 0:
        return {}
    of_fakes = Moments.of(fakes)
    first, second = (moved(half, fakes, of, of_fakes) for half, of in zip(halves, (one, other), strict=True))
    ratio = (first.value + second.value) / 2 / floor.value
    error = error_of(
        first.other + second.other, first.one - 2 * ratio * floor.one, second.one - 2 * ratio * floor.other
    )
    return {"over_floor": around(ratio, error / 2 / floor.value, 1.0, least=0)}
