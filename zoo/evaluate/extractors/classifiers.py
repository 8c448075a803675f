"""The small classifier as a feature network: of the digits that come with zoo, or of the labelled data at hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.evaluate.extractors.extractor import Extractor
from zoo.evaluate.reader import FEATURES, digits_network, kept_network

DIGITS = (1, 28, 28)

MOST = 10_000
"""Images that a classifier of given data learns of, at most."""

LARGEST = 64
"""Pixels a side up to which images are small."""


class Classifier(Extractor):
    """What such a classifier has seen before it decides: the numbers of its last layer but one, after the activation."""

    dimension = FEATURES

    def features(self, images: Tensor) -> Tensor:
        """As `Extractor.features`."""
        assert isinstance(self.network, nn.Sequential)
        found: Tensor = self.network[:-1](images.float() / 127.5 - 1)
        return found


class Digits(Classifier):
    """The classifier of digits that comes with zoo, trained on them: the same weights everywhere."""

    name = "digits"
    summary = "a small classifier of handwritten digits, for grey images of 28×28"

    def __init__(self) -> None:
        super().__init__(digits_network())

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """As `Extractor.unsuited`: other images than grey ones of 28×28."""
        if spec.points or spec.shape != DIGITS:
            return f"it reads grey images of 28×28, not {spec.colours} {spec.kind}"
        return None


class OwnClassifier(Classifier):
    """A classifier that is trained on the data itself, where that is grey, small and labelled, and kept in the cache."""

    name = "classifier"
    summary = "a small classifier trained on the data itself, for grey, labelled images of 8×8 to 64×64"

    def __init__(self, fingerprint: str, images: Tensor, labels: Tensor, classes: int) -> None:
        """Of images uint8 (N, 1, H, W) and their labels."""
        some = torch.linspace(0, len(images) - 1, min(MOST, len(images))).long()
        chosen = images[some].float() / 127.5 - 1
        super().__init__(kept_network(fingerprint, chosen, labels[some], classes))

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """As `Extractor.unsuited`: images that are not grey, small and labelled."""
        if spec.points or spec.channels != 1 or not 8 <= min(spec.shape[1:]) <= max(spec.shape[1:]) <= LARGEST:
            return f"it learns grey images of 8×8 to {LARGEST}×{LARGEST}, and these are {spec.colours} {spec.kind}"
        return None
