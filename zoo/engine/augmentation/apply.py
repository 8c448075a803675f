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
    return augmented_batches([images], augmentations, probability)[0]


def augmented_batches(
    batches: Sequence[Tensor], augmentations: Sequence[Augmentation], probability: Probability | None
) -> list[Tensor]:
    """The same of several batches in one go: what is random is drawn for all of them at once."""
    value = None if probability is None else probability.value
    transform = Transform(batches, value)
    for augment in augmentations:
        if augment.contribute(transform):
            continue
        chosen, before = transform.chosen(), transform.batches()
        after = [augment(batch) for batch in before]
        if probability is not None and not probability.always:
            which = torch.split(chosen[:, None, None, None], [len(batch) for batch in before])
            after = [torch.where(*each) for each in zip(which, after, before, strict=True)]
        transform = Transform(after, value)
    return transform.batches()
