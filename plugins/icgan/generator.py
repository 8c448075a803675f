"""G: it takes the stored features of a training picture, a little off, and draws a picture that has them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from zoo_plugins.dcgan import radford
from zoo_plugins.icgan.features import LowFrequencies

STEPS = 256
"""Of 1 in stored features, which are integers: an average of weights leaves these as they are, and must not average pictures."""


class Generator(nn.Module):
    """Latents (N, latent) to images (N, C, H, W) in [-1, 1].

    The first number of a latent says which of the stored pictures it is; the next ones, as many as there are features, how the
    image is to differ from its features; and what is left is for all that these do not tell.

    Args:
        latent: numbers of a latent, more than 1 + `features`.
        image: (C, H, W).
        width: channels next to the image, as in DCGAN.
        instances: how many pictures' features are stored, the first ones of the training.
        features: how many features a picture has.
        jitter: how far what is drawn lies from a picture's features: the standard deviation.
    """

    instance_features: Tensor
    """(instances, features), int16: the features of the first pictures of the training, in steps of 1 / 256."""
    stored: Tensor
    """() int64: of how many pictures there are any."""

    def __init__(
        self, latent: int, image: tuple[int, int, int], width: int, instances: int, features: int, jitter: float
    ) -> None:
        super().__init__()
        self.features = LowFrequencies(image, features)
        self.count = features
        self.jitter = jitter
        self.register_buffer("instance_features", torch.zeros(instances, features, dtype=torch.int16))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))
        self.layers = radford.generator(latent - 1, image[0], image[1:], width)

    @torch.no_grad()
    def store(self, images: Tensor) -> None:
        """Store the features of real images (N, C, H, W), as long as there is room.

        What is stored stays, so that a latent means the same picture from then on. (Until there is no more room, batches that are
        accumulated may store more between drawing and G's loss, which then compares some images with another picture's features.)
        """
        room = len(self.instance_features)
        found = self.features(images[:room])
        limit = torch.iinfo(torch.int16).max
        new = (found * STEPS).round().clamp(-limit, limit).to(torch.int16)
        # No shape hangs on how many there are, as in a CUDA graph none may: where there is no room, what is there is written again.
        places = self.stored + torch.arange(len(new), device=new.device)
        old = self.instance_features[places % room]
        self.instance_features.index_copy_(0, places % room, torch.where((places < room)[:, None], new, old))
        self.stored.add_(len(new)).clamp_(max=room)

    def target_features(self, latents: Tensor) -> Tensor:
        """The features (N, features) that the images of these latents are to have."""
        room, stored = len(self.instance_features), self.stored.clamp(min=1)
        share = (1 + torch.erf(latents[:, 0].float() / math.sqrt(2))) / 2  # uniform, of a normal number
        place = (share * room).long().clamp(max=room - 1) % stored
        return self.instance_features[place] / STEPS + self.jitter * latents[:, 1 : 1 + self.count].float()

    def forward(self, latents: Tensor) -> Tensor:
        """To images."""
        target = self.target_features(latents).to(latents.dtype)
        images: Tensor = self.layers(torch.cat([target, latents[:, 1 + self.count :]], 1))
        return images
