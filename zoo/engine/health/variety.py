"""How different images are from each other, on a scale on which photographs of one kind and digits of ten can both be measured.

Images are reduced to 16 pixels a side, so that noise counts little and one shape in two places counts much; points stay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from zoo.data.store import ImageStore
from zoo.generate.sampling import straight

SIDE = 16
"""Pixels a side that images are compared at."""
COMPARED = 128
"""Images that are compared with each other at most."""

FEWEST_PAIRS = 16
"""Pairs of images of one class below which a grid has too few of them to be compared class by class."""

Floats = npt.NDArray[np.float64]


def small(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] as (N, D): each channel averaged over 16 × 16 fields at most."""
    height, width = images.shape[2:]
    fields = min(height, SIDE), min(width, SIDE)
    return nn.functional.adaptive_avg_pool2d(images.float().clamp(-1, 1), fields).flatten(1).double()


def distances(vectors: Tensor) -> Floats:
    """The distances of all pairs of different vectors (N, D), Euclidean, N·(N-1)/2 of them."""
    found: Floats = torch.pdist(vectors).numpy() if len(vectors) > 1 else np.zeros(0)
    return found


def spread(vectors: Tensor, labels: Tensor | None = None) -> float:
    """The mean distance of two of the vectors; of two of one class, where there are classes. 0 where there are no two."""
    if labels is None:
        found = distances(vectors)
    else:
        found = np.concatenate([distances(vectors[labels == label]) for label in set(labels.tolist())])
    return float(found.mean()) if len(found) else 0.0


def comparable(labels: Tensor | None) -> Tensor | None:
    """The labels of a grid, or None where so few of its images are of one class that they are compared whatever their classes."""
    if labels is None:
        return None
    of_each = torch.bincount(labels)
    return labels if int((of_each * (of_each - 1) // 2).sum()) >= FEWEST_PAIRS else None


def from_store(store: ImageStore, places: npt.NDArray[np.int64]) -> Tensor:
    """The images of a store at these places, float32 (N, C, H, W) in [-1, 1]."""
    images = torch.from_numpy(np.ascontiguousarray(store.images[places].transpose(0, 3, 1, 2))).float()
    return images if store.spec.points else images / 127.5 - 1


def spread_of_data(store: ImageStore, by_class: bool) -> float:
    """The mean distance of two images of the data, of one class where that is asked; of `COMPARED` of them, from all over it."""
    places = np.linspace(0, len(store) - 1, min(COMPARED * (4 if by_class else 1), len(store))).astype(np.int64)
    labels = torch.from_numpy(store.labels[places]) if by_class and store.labels is not None else None
    return spread(small(straight(from_store(store, places))), labels)
