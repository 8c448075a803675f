"""Draws images with a generator network, in batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.nn.modes import evaluating

BATCH = 64


@torch.no_grad()
def draw_images(network: nn.Module, latents: Tensor, labels: Tensor | None = None, batch: int = BATCH) -> Tensor:
    """The network's images of the latents (and labels): float32 (n, C, H, W) in [-1, 1], on the CPU.

    The network draws in evaluation mode, so that an image depends on its own latent alone, and each of its parts is left
    in the mode in which it came. `batch` of them are drawn at a time. How many are drawn together can change an image's
    last bits, as libraries compute a product of large matrices in another order than one of small ones; batches of 1 rule
    that out.
    """
    device = device_of(network)
    images = []
    with evaluating(network):
        for start in range(0, len(latents), batch):
            inputs = [part[start : start + batch].to(device) for part in (latents, labels) if part is not None]
            images.append(network(*inputs).float().cpu().contiguous())
    return torch.cat(images)


def device_of(network: nn.Module) -> torch.device:
    """Where a network computes."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
