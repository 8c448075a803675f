"""How images and weights lie in memory: planes one after the other, or all channels of a pixel together (channels last).

Within a network images lie as its weights do; outside, where losses and plugins look at them, they are always contiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zoo.nn.modes import evaluating
from zoo.ops.layout import as_channels_last, lies_channels_last
from zoo.ops.library import native


def lay_out(generator: nn.Module, discriminator: nn.Module, latents: Tensor, *labels: Tensor) -> None:
    """Give both networks the layout that pays on their device, in place.

    Networks that cannot do with channels last, for they look at images through `view`, are left as they are made. `latents`
    (N, latent) and `labels` (N,) are what that is tried with.
    """
    if not _pays(latents.device, generator, discriminator):
        return
    kernels = list(_kernels(generator, discriminator))
    as_made = [weight.data for weight in kernels]
    for weight in kernels:
        weight.data = as_channels_last(weight.data)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), evaluating(generator), evaluating(discriminator):
            images = generator(latents, *labels)
            discriminator(images, *labels)
            discriminator(as_channels_last(images), *labels)  # as batches of real images lie
    except RuntimeError:
        for weight, data in zip(kernels, as_made, strict=True):
            weight.data = data


def are_channels_last(*networks: nn.Module) -> bool:
    """Whether the weights of a network's convolutions lie so that images had better lie channels last too."""
    return any(lies_channels_last(weight) for weight in _kernels(*networks))


def enter(images: Tensor, network: nn.Module) -> Tensor:
    """Images (N, C, H, W) as the network takes them. Their gradient comes out in their own layout."""
    return _laid(images, are_channels_last(network))


def leave(images: Tensor) -> Tensor:
    """Images (N, C, H, W) of a network, contiguous. Their gradient goes in as they came out."""
    return _laid(images, last=False)


def _laid(images: Tensor, last: bool) -> Tensor:
    form = torch.channels_last if last else torch.contiguous_format
    if images.dim() != 4 or images.is_contiguous(memory_format=form):
        return images
    laid: Tensor = _Laid.apply(images, last)  # type: ignore[no-untyped-call]
    return laid


class _Laid(torch.autograd.Function):
    """Images in one layout, their gradient in the other, to any order."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, last: bool) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.last = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return _laid(gradients[0], not ctx.last), None


def _pays(device: torch.device, *networks: nn.Module) -> bool:
    """On a GPU it always does. On a CPU zoo's own convolutions want it; torch's alone gain little, and dense layers nothing."""
    if device.type == "cuda":
        return True
    return device.type == "cpu" and native("conv2d", "cpu") and is_convolutional(*networks)


def is_convolutional(*networks: nn.Module) -> bool:
    """Whether there are convolutions in one of them."""
    return any(True for _ in _kernels(*networks))


def _kernels(*networks: nn.Module) -> Iterator[nn.Parameter]:
    """The weights of convolutions."""
    return (parameter for network in networks for parameter in network.parameters() if parameter.dim() == 4)
