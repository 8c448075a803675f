"""Draws images with a generator network, in batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.nn.modes import evaluating

BATCH = 64


@torch.no_grad()
def draw_images(network: nn.Module, latents: Tensor, labels: Tensor | None = None, batch: int = BATCH) -> Tensor:
    """The network's images of the latents (and labels): float32 (n, C, H, W) in [-1, 1], on the CPU, colours straight.

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
            images.append(straight(network(*inputs).float().cpu().contiguous()))
    return torch.cat(images)


def straight(images: Tensor) -> Tensor:
    """Images (n, C, H, W) of a network or a store, in [-1, 1], as people want them: of four channels the colours are divided by the
    last, alpha (`zoo.data.transparency`), and black where that is 0; others as they are."""
    if images.shape[1] != 4:
        return images
    shares = (images.clamp(-1, 1) + 1) / 2
    colours, alpha = shares[:, :3], shares[:, 3:]
    seen = alpha >= 0.5 / 255  # the least that is not 0 in a file
    divided = torch.where(seen, (colours / alpha.clamp(min=0.5 / 255)).clamp(max=1), 0.0)
    return torch.cat([divided, alpha], 1) * 2 - 1


def device_of(network: nn.Module) -> torch.device:
    """Where a network computes."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
