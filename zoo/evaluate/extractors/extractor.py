"""What a feature network is, to whoever computes features."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from zoo.data.spec import CHANNELS, DataSpec
from zoo.errors import OptionError


class Extractor(ABC):
    """A feature network with its weights: ``extractor(images)`` gives a row of features for each image."""

    name: ClassVar[str]
    """What it is called on the command line."""
    summary: ClassVar[str]
    """Half a sentence on what it is."""
    dimension: int
    """How many features an image has."""
    resize: str = "none"
    """How images are brought to the size that the network takes (`zoo.evaluate.extractors.resizing`)."""
    batch: int = 250
    """Images at a time."""

    def __init__(self, network: nn.Module) -> None:
        self.network: nn.Module = network.eval().requires_grad_(False)
        """It, in evaluation mode."""
        self.sha256: str = hash_of(network.state_dict())
        """The hash of its weights."""

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """Why it cannot look at such images, for a person; None where it can."""
        return "it looks at pictures, and the data is points" if spec.points else None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> npt.NDArray[np.float32]:
        """Features, float32 (N, d), of images (N, C, H, W): uint8, or floats in [-1, 1], which are rounded to levels as files hold
        them, so that a picture has the same features as its file. Raises OptionError for images that are none to it."""
        if images.ndim != 4 or not len(images):
            raise OptionError(f"images of shape {tuple(images.shape)} were given; (N, C, H, W) fits, N at least 1")
        channels, height, width = (int(side) for side in images.shape[1:])
        if channels not in CHANNELS:
            raise OptionError(f"images of {channels} channels were given; 1, 3 or 4 fit")
        spec = DataSpec(channels, height, width)
        if reason := self.unsuited(spec):
            raise OptionError(f"the extractor {self.name!r}: {reason}")
        parts = [self.features(levels(part)) for part in torch.split(images, self.batch)]
        return np.ascontiguousarray(torch.cat(parts).float().numpy())

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Of some images, uint8 (n, C, H, W): float32 (n, d)."""


def levels(images: Tensor) -> Tensor:
    """Images as uint8: as they are, or of floats in [-1, 1]. Raises OptionError for floats that are no numbers."""
    if images.dtype == torch.uint8:
        return images
    if not bool(torch.isfinite(images).all()):
        raise OptionError("some of the pictures hold numbers that are none (nan or infinite)")
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte()


def coloured(images: Tensor) -> Tensor:
    """Images of three channels, uint8 (n, 3, H, W): grey ones three times, transparent ones over white."""
    if images.shape[1] == 4:
        alpha = images[:, 3:].float() / 255
        return (images[:, :3].float() * alpha + 255 * (1 - alpha)).round().byte()
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def hash_of(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of the names, types, shapes and values of some weights; the counters of batch normalisation are none."""
    hasher = hashlib.sha256()
    for name, value in sorted(weights.items()):
        if not name.endswith("num_batches_tracked"):
            array = np.ascontiguousarray(value.detach().cpu().numpy())
            hasher.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return hasher.hexdigest()
