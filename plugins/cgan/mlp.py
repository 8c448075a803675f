"""The dense networks of Mirza & Osindero 2014 (https://arxiv.org/abs/1411.1784), in which image and label meet half way.

The paper gives the layers and says that dropout of one half is applied to both networks. Where it is silent: dropout is on what
hidden layers give, as in the published code of the GAN that it builds on (Goodfellow et al. 2014). Weights start as PyTorch
draws them; from that code's own start (±0.05 in G, ±0.005 in D) the networks were still blind to the label after 3,000 updates.
Images are in [0, 1] inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import zoo


class Maxout(nn.Linear):
    """Units that are each the largest of `pieces` weighted sums (Goodfellow et al. 2013, https://arxiv.org/abs/1302.4389).

    Takes (N, inputs), gives (N, units). Row ``unit * pieces + piece`` of the weight belongs to that piece of that unit.
    """

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__(inputs, units * pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).reshape(len(x), -1, self.pieces).amax(2)


class Generator(nn.Module):
    """Latents (N, latent) and labels (N,) to images (N, C, H, W) in [-1, 1]."""

    def __init__(self, latent: int, classes: int, image: tuple[int, int, int], dropout: float) -> None:
        super().__init__()
        channels, height, width = image
        self.classes = classes
        self.from_latent = nn.Sequential(zoo.nn.LinearAct(latent, 200, activation="relu"), nn.Dropout(dropout))
        self.from_label = nn.Sequential(zoo.nn.LinearAct(classes, 1000, activation="relu"), nn.Dropout(dropout))
        self.joined = nn.Sequential(
            zoo.nn.LinearAct(1200, 1200, activation="relu"),
            nn.Dropout(dropout),
            nn.Linear(1200, channels * height * width),
            nn.Sigmoid(),
            zoo.nn.Rescale((0, 1), (-1, 1)),
            nn.Unflatten(1, image),
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        chosen = nn.functional.one_hot(labels, self.classes).to(latents.dtype)
        images: Tensor = self.joined(torch.cat([self.from_latent(latents), self.from_label(chosen)], 1))
        return images


class Discriminator(nn.Module):
    """Images (N, C, H, W) in [-1, 1] and the labels (N,) they are said to have, to logits (N,)."""

    def __init__(self, classes: int, image: tuple[int, int, int], dropout: float) -> None:
        super().__init__()
        channels, height, width = image
        self.classes = classes
        self.from_image = nn.Sequential(
            zoo.nn.Rescale((-1, 1), (0, 1)),
            nn.Flatten(),
            Maxout(channels * height * width, 240, 5),
            nn.Dropout(dropout),
        )
        self.from_label = nn.Sequential(Maxout(classes, 50, 5), nn.Dropout(dropout))
        self.joined = nn.Sequential(Maxout(290, 240, 4), nn.Dropout(dropout), nn.Linear(240, 1), nn.Flatten(0))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        chosen = nn.functional.one_hot(labels, self.classes).to(images.dtype)
        logits: Tensor = self.joined(torch.cat([self.from_image(images), self.from_label(chosen)], 1))
        return logits
