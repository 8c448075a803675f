"""The augmentations of a run, made: those that can share a pass share it, and every other is asked for its images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.augmentation import Augmentation
from zoo.engine.augmentation.probability import Probability
from zoo.transform import Transform


def augmented(images: Tensor, augmentations: Sequence[Augmentation], probability: Probability | None) -> Tensor:
    """Images (N, C, H, W), each changed by each augmentation with the probability; always where there is none."""
    value = None if probability is None else probability.value
    transform = Transform(images, value)
    for augment in augmentations:
        if augment.contribute(transform):
            continue
        chosen, before = transform.chosen(), transform.images()
        after = augment(before)
        if probability is not None and not probability.always:
            after = torch.where(chosen[:, None, None, None], after, before)
        transform = Transform(after, value)
    return transform.images()
