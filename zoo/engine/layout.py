"""How images and weights lie in memory: planes one after the other, or all channels of a pixel together (channels last)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.nn.modes import evaluating
from zoo.ops.library import native


def lay_out(generator: nn.Module, discriminator: nn.Module, latents: Tensor, *labels: Tensor) -> torch.memory_format:
    """Give both networks the layout that pays on their device, in place; returns it.

    Networks that cannot do with channels last, for they look at images through `view`, are left as they are made. `latents`
    (N, latent) and `labels` (N,) are what that is tried with.
    """
    layout = memory_format(latents.device, generator, discriminator)
    if layout is torch.preserve_format:
        return layout
    for network in (generator, discriminator):
        network.to(memory_format=layout)  # type: ignore[call-overload]
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), evaluating(generator), evaluating(discriminator):
            discriminator(generator(latents, *labels).contiguous(memory_format=layout), *labels)
    except RuntimeError:
        for network in (generator, discriminator):
            network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return torch.preserve_format
    return layout


def memory_format(device: torch.device | str, *networks: nn.Module) -> torch.memory_format:
    """The layout for these networks on this device: channels last where it pays, else as a network is made.

    On a GPU it always does. On a CPU zoo's own convolutions want it; torch's alone gain little, and dense layers nothing.
    """
    kind = torch.device(device).type
    convolutional = any(parameter.dim() == 4 for network in networks for parameter in network.parameters())
    if kind == "cuda" or (kind == "cpu" and convolutional and native("conv2d", "cpu")):
        return torch.channels_last
    return torch.preserve_format


def are_channels_last(*networks: nn.Module) -> bool:
    """Whether the weights of a network's convolutions lie so that images had better lie channels last too."""
    return any(
        parameter.is_contiguous(memory_format=torch.channels_last) and not parameter.is_contiguous()
        for network in networks
        for parameter in network.parameters()
        if parameter.dim() == 4
    )
