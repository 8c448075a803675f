"""The metric ``copies``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from zoo.evaluate.measures.distances import Nearest


LARGEST = 32
"""Pixels a side at which pictures are compared."""


class CopiedImages(FeatureMetric):
    """How many generated images are copies of training images: nearer to one than 99 % of training images are to their nearest
    other one, in pixels and in features. By chance some one in a hundred is; the floor says how many of one half of the real ones
    are copies of the other half."""

    name = "copies"
    order = 50
    summary = "Share of generated images that are nearer to a training image than training images are to each other."
    numbers: ClassVar[Mapping[str, str]] = {
        "pixels": "share of samples that are copies, by the distance of their pixels, at 32×32 at most",
        "features": "the same by the distance of their features",
    }
    best: ClassVar[Mapping[str, Best]] = {"pixels": "lowest", "features": "lowest"}

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`."""
        from zoo.evaluate.measures.copies import copied, usual_distance
        from zoo.evaluate.measures.intervals import share

        seen = context.features
        one, other = seen.halves_of

        def of_real(real: npt.NDArray[Any]) -> tuple[float, float]:
            return usual_distance(real), float(copied(real[other], real[one]).copies.mean())

        spaces = {"pixels": (_flat(context.pixels), _flat(context.real_pixels)), "features": (seen.fakes, seen.real)}
        found: dict[str, float | Estimate] = {}
        for name, (fakes, real) in spaces.items():
            usual, floor = seen.once(f"copies.{name}", partial(of_real, real))
            copies = copied(fakes, real, usual).copies
            found[name] = share(int(copies.sum()), len(copies), floor)
        return found


def nearest_training(context: EvaluationContext) -> Nearest:
    """Each sample's nearest real image by pixels: what the picture of the closest pairs is made of."""
    from zoo.evaluate.measures.distances import nearest

    return nearest(_flat(context.pixels), _flat(context.real_pixels))


def _flat(images: Tensor) -> npt.NDArray[np.float32]:
    """Images uint8 (n, C, H, W) as rows of shares of 255; larger ones as means over squares, so that no side is above 32."""
    import torch
    from torch.nn.functional import avg_pool2d

    square = -(-max(images.shape[2:]) // LARGEST)
    parts = [avg_pool2d(part.float(), min(square, *part.shape[2:])) for part in torch.split(images, 500)]
    values: npt.NDArray[Any] = torch.cat(parts).flatten(1).div(255).numpy()
    return values
