"""Draws images with a generator network, in batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BATCH = 64


@torch.no_grad()
def draw_images(network: nn.Module, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """The network's images of the latents (and labels): float32 (n, C, H, W) in [-1, 1], on the CPU.

    The network draws in evaluation mode, so that an image depends on its own latent alone, and is left in the mode in
    which it came. BATCH of them are drawn at a time.
    """
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    training = network.training
    network.eval()
    try:
        images = []
        for start in range(0, len(latents), BATCH):
            inputs = [part[start : start + BATCH].to(device) for part in (latents, labels) if part is not None]
            images.append(network(*inputs).float().cpu().contiguous())
        return torch.cat(images)
    finally:
        network.train(training)
