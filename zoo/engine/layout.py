"""How images and weights lie in memory: planes one after the other, or all channels of a pixel together (channels last)."""

from __future__ import annotations

import torch
from torch import nn

from zoo.ops.library import native


def memory_format(device: torch.device | str, *networks: nn.Module) -> torch.memory_format:
    """The layout for these networks on this device: channels last where it pays, else as a network is made.

    On a GPU it always does. On a CPU zoo's own convolutions want it; torch's alone gain little, and dense layers nothing.
    """
    kind = torch.device(device).type
    convolutional = any(parameter.dim() == 4 for network in networks for parameter in network.parameters())
    if kind == "cuda" or (kind == "cpu" and convolutional and native("conv2d", "cpu")):
        return torch.channels_last
    return torch.preserve_format
