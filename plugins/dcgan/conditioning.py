"""How labels reach networks that know nothing of them: a wrapper for every family of generators and discriminators.

The label joins the latent as a one-hot vector, and the image as one plane for each class, of which the label's is one and
the others are zero (Mirza & Osindero 2014 for dense networks; the planes are the convolutional counterpart). A family is
built for that many more inputs, and its layers keep their names whether or not there are labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Generator(nn.Module):
    """Latents (N, latent), and labels (N,) where there are classes, to images.

    Args:
        layers: takes latents of `classes` more numbers, (N, latent + classes).
        classes: how many labels there are; 0 for none.
    """

    def __init__(self, layers: nn.Module, classes: int = 0) -> None:
        super().__init__()
        self.layers = layers
        self.classes = classes

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """To images (N, C, H, W) in [-1, 1]."""
        if labels is not None:
            latents = torch.cat([latents, nn.functional.one_hot(labels, self.classes).to(latents.dtype)], 1)
        images: Tensor = self.layers(latents)
        return images


class Discriminator(nn.Module):
    """Images (N, C, H, W), and labels (N,) where there are classes, to logits (N,).

    Args:
        layers: takes images of `classes` more channels, (N, C + classes, H, W); gives one number for each.
        classes: how many labels there are; 0 for none.
    """

    def __init__(self, layers: nn.Module, classes: int = 0) -> None:
        super().__init__()
        self.layers = layers
        self.classes = classes

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """To logits (N,)."""
        if labels is not None:
            planes = nn.functional.one_hot(labels, self.classes).to(images.dtype)[:, :, None, None]
            images = torch.cat([images, planes.expand(-1, -1, *images.shape[2:])], 1)
        logits: Tensor = self.layers(images)
        return logits.flatten()
