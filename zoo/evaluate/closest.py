"""The picture of the samples that are closest to training images, each beside its own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import OptionError, RunError
from zoo.evaluate.measures.copies import closest
from zoo.generate.pictures.grid import grid
from zoo.run.copies import keep_copies

if TYPE_CHECKING:
    from PIL import Image

    from zoo.evaluate.context import ComparedContext

PAIRS = 10

log = logging.getLogger(__name__)


def keep_closest_pairs(context: ComparedContext, run: Path, step: int) -> None:
    """Keep the picture in the folder of a run, where a report finds it. That it cannot be is a line: the scores are there."""
    picture = closest_pairs(context)
    try:
        keep_copies(run, step, lambda place: picture.save(place))
    except RunError as error:
        log.warning("the picture of the closest pairs is not kept: %s", error)


def closest_pairs(context: ComparedContext, pairs: int = PAIRS) -> Image.Image:
    """The closest pairs by pixels, closest first, two to a row: a sample, its training image, and how far a pixel
    deviates, below the former. Raises OptionError for points."""
    if context.spec.points:
        raise OptionError("--copies draws pictures, and the data is points; leave it out")
    found = context.nearest_training
    chosen = closest(found, pairs)
    fakes = context.pixels[chosen].permute(0, 2, 3, 1).numpy()
    real = context.comparison.pixels_of(found.place[chosen]).permute(0, 2, 3, 1).numpy()
    both = np.stack([fakes, real], 1).reshape(-1, *fakes.shape[1:])
    gaps = (fakes.astype(np.float64) - real) / 255
    deviation = np.sqrt((gaps * gaps).mean((1, 2, 3)))
    captions = [words for each in deviation for words in (f"{100 * each:.1f} %", "training")]
    return grid(both, 4, captions=captions)
