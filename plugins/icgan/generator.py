"""G: it takes what it keeps of one of the last real pictures, a little off, and draws a picture that looks like it from afar."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from zoo_plugins.dcgan import radford
from zoo_plugins.icgan.features import LowFrequencies

STEPS = 256
"""Of 1 in what is kept of a picture: integers, as an average of weights must not average pictures."""


class Generator(nn.Module):
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1].

    The first number of a latent says which of the kept pictures it is; the next ones, as many as there are features, how the
    image is to differ from its features; and what is left is for all that these do not tell.

    Args:
        latent: numbers of a latent, more than 1 + `features`.
        image: (C, H, W).
        width: channels next to the image, as in DCGAN.
        instances: how many pictures are kept, the latest first in place of the oldest.
        features: how many features a picture has.
        jitter: how far what is drawn lies from a picture's features: the standard deviation.
    """

    kept: Tensor
    """(instances, features), int16: the features of pictures, in steps of 1 / 256."""
    seen: Tensor
    """() int64: how many have ever been kept."""

    def __init__(
        self, latent: int, image: tuple[int, int, int], width: int, instances: int, features: int, jitter: float
    ) -> None:
        super().__init__()
        self.features = LowFrequencies(image, features)
        self.count = features
        self.jitter = jitter
        self.register_buffer("kept", torch.zeros(instances, features, dtype=torch.int16))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.layers = radford.generator(latent - 1, image[0], image[1:], width)

    @torch.no_grad()
    def keep(self, images: Tensor) -> None:
        """Keep the features of real images (N, C, H, W), in the place of the oldest."""
        found = self.features(images[: len(self.kept)])
        places = (self.seen + torch.arange(len(found), device=found.device)) % len(self.kept)
        limit = torch.iinfo(torch.int16).max
        self.kept.index_copy_(0, places, (found * STEPS).round().clamp(-limit, limit).to(torch.int16))
        self.seen += len(found)

    def told(self, latents: Tensor) -> Tensor:
        """The features (N, features) that the images of these latents are to have."""
        count = self.seen.clamp(1, len(self.kept))
        share = (1 + torch.erf(latents[:, 0].float() / math.sqrt(2))) / 2  # uniform, of a normal number
        which = (share * count).long().clamp(max=count - 1)
        return self.kept[which] / STEPS + self.jitter * latents[:, 1 : 1 + self.count].float()

    def forward(self, latents: Tensor) -> Tensor:
        """To images."""
        told = self.told(latents).to(latents.dtype)
        images: Tensor = self.layers(torch.cat([told, latents[:, 1 + self.count :]], 1))
        return images
