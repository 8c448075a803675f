"""The small classifier as a feature network: of the digits that come with zoo, or of the labelled data at hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from zoo.data.formats.digits import SHAPE
from zoo.data.spec import DataSpec
from zoo.evaluate.extractors.extractor import Extractor
from zoo.evaluate.reader import FEATURES, digits_network, kept_network

LARGEST = 64
"""Pixels a side up to which images are small."""


class Classifier(Extractor):
    """What such a classifier has seen before it decides: the numbers of its last layer but one, after the activation."""

    dimension = FEATURES
    batch = 100

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__(network)
        self.network = _quicker(nn.Sequential(*list(network)[:-1]))

    def features(self, images: Tensor) -> Tensor:
        """As `Extractor.features`."""
        x = (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        found: Tensor = self.network(x)
        return found


def _quicker(network: nn.Sequential) -> nn.Sequential:
    """The same but for rounding, in less than half the time: each normalisation multiplied into the convolution before it, and
    channels last."""
    layers: list[nn.Module] = []
    for layer in network:
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        else:
            layers.append(layer)
    quicker: nn.Sequential = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return quicker


class Digits(Classifier):
    """The classifier of digits that comes with zoo, trained on them: the same weights everywhere."""

    name = "digits"
    summary = "a small classifier of handwritten digits, for grey images of 28×28"

    def __init__(self) -> None:
        super().__init__(digits_network())

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """As `Extractor.unsuited`: other images than grey ones of 28×28."""
        if spec.points or spec.shape != SHAPE:
            return f"it reads grey images of 28×28, not {spec.colours} {spec.kind}"
        return None


class OwnClassifier(Classifier):
    """A classifier that is trained on the data itself, where that is grey, small and labelled, and kept in the cache."""

    name = "classifier"
    summary = "a small classifier trained on the data itself, for grey, labelled images of 8×8 to 64×64"

    def __init__(self, identity: str, images: Tensor, labels: Tensor, classes: int) -> None:
        """Of images uint8 (N, 1, H, W) and their labels; `identity` tells them from any others."""
        super().__init__(kept_network(identity, images.float() / 127.5 - 1, labels, classes))

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """As `Extractor.unsuited`: images that are not grey, small and labelled."""
        if spec.points or spec.channels != 1 or not 8 <= min(spec.shape[1:]) <= max(spec.shape[1:]) <= LARGEST:
            return f"it learns grey images of 8×8 to {LARGEST}×{LARGEST}, and these are {spec.colours} {spec.kind}"
        return None
