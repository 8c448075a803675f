"""The picture of the samples that are closest to training images, each beside its own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from zoo.errors import OptionError, RunError
from zoo.evaluate.measures.copies import closest
from zoo.generate.pictures.grid import grid
from zoo.run.copies import keep_copies

if TYPE_CHECKING:
    from PIL import Image

    from zoo.evaluate.context import ComparedContext

PAIRS = 10

SEEN = 500
"""Of the closest pairs, of which those are drawn that differ from each other."""

_LOOK = 32  # pixels a side at which that is looked at
_ALIKE = 0.75
"""Share of the usual distance of two of them up to which two samples look alike."""

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
    chosen = _unlike(context.pixels, closest(found, SEEN), pairs)
    fakes = context.pixels[chosen].permute(0, 2, 3, 1).numpy()
    real = context.comparison.pixels_of(found.place[chosen]).permute(0, 2, 3, 1).numpy()
    both = np.stack([fakes, real], 1).reshape(-1, *fakes.shape[1:])
    gaps = (fakes.astype(np.float64) - real) / 255
    deviation = np.sqrt((gaps * gaps).mean((1, 2, 3)))
    captions = [words for each in deviation for words in (f"differs {100 * each:.1f} %", "training")]
    return grid(both, 4, captions=captions)


def _unlike(pixels: Tensor, order: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The first `count` of `order` that differ among each other, in that order: of one digit that is easily copied there would be
    ten, and nothing of the others. Others make up for what is lacking."""
    height, width = pixels.shape[2:]
    shape = min(height, _LOOK), min(width, _LOOK)
    rows = nn.functional.adaptive_avg_pool2d(pixels[order].float(), shape).flatten(1).double()
    apart = torch.cdist(rows, rows)
    alike = _ALIKE * float(apart.median())
    chosen: list[int] = []
    for place in range(len(order)):
        if len(chosen) < count and all(apart[place, other] > alike for other in chosen):
            chosen.append(place)
    rest = [place for place in range(len(order)) if place not in chosen]
    return order[sorted([*chosen, *rest[: max(0, count - len(chosen))]])]
