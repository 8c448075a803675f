"""The picture of the samples that are closest to training images, each beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import OptionError
from zoo.evaluate.measures.copies import closest
from zoo.evaluate.metrics.copies import nearest_training
from zoo.generate.pictures.grid import grid

if TYPE_CHECKING:
    from PIL import Image

    from zoo.metric import EvaluationContext

PAIRS = 10


def closest_pairs(context: EvaluationContext, pairs: int = PAIRS) -> Image.Image:
    """The closest pairs by pixels, closest first, two to a row: a sample, its training image, and the distance of each pixel
    below the former. Raises OptionError for points."""
    if context.spec.points:
        raise OptionError("--copies draws pictures, and the data is points; leave it out")
    found = nearest_training(context)
    chosen = closest(found, pairs)
    fakes = context.pixels[chosen].permute(0, 2, 3, 1).numpy()
    real = context.real_pixels[found.place[chosen]].permute(0, 2, 3, 1).numpy()
    both = np.stack([fakes, real], 1).reshape(-1, *fakes.shape[1:])
    deviation = found.distance[chosen] / np.sqrt(fakes[0].size)  # of a pixel, as a share of 255
    captions = [words for each in deviation for words in (f"{100 * each:.1f} %", "training")]
    return grid(both, 4, captions=captions)
