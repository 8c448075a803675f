"""How images and weights lie in memory: planes one after the other, or all channels of a pixel together (channels last).

Within a network images lie as its weights do; outside, where losses and plugins look at them, they are always contiguous.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zoo.errors import in_one_line
from zoo.ops.layout import as_channels_last
from zoo.ops.library import native


def lay_out(
    generator: nn.Module, discriminator: nn.Module, latents: Tensor, *labels: Tensor
) -> tuple[bool, str | None]:
    """Lay both networks channels last, in place, where that pays; returns whether, and why not where they cannot do with it.

    Networks that cannot, because they look at images through `view`, say, are left as they are made. That is tried, on copies in
    training mode, there and back, with `latents` (N, latent) and `labels` (N,).
    """
    if not _pays(latents.device, generator, discriminator):
        return False, None
    devices = [latents.device] if latents.device.type == "cuda" else []
    try:
        g, d = copy.deepcopy(generator), copy.deepcopy(discriminator)
        for weight in _kernels(g, d):
            weight.data = as_channels_last(weight.data)
        with torch.random.fork_rng(devices), torch.enable_grad():
            images = leave(g(latents, *labels))
            for given in (images.detach(), images):  # as real ones come, and as G's do
                d(enter(given) if is_convolutional(d) else given, *labels).sum().backward()
    except Exception as error:  # whatever it is: as they are made they work, or say themselves what is wrong with them
        return False, in_one_line(error)
    for weight in _kernels(generator, discriminator):
        weight.data = as_channels_last(weight.data)
    return True, None


def enter(images: Tensor) -> Tensor:
    """Images (N, C, H, W) as a network laid channels last takes them. Their gradient comes out in their own layout."""
    return _laid(images, last=True)


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
    if not is_convolutional(*networks):
        return False
    return device.type == "cuda" or (device.type == "cpu" and native("conv2d", "cpu"))


def is_convolutional(*networks: nn.Module) -> bool:
    """Whether one of them holds parameters of four dimensions, as the weights of convolutions are."""
    return any(True for _ in _kernels(*networks))


def _kernels(*networks: nn.Module) -> Iterator[nn.Parameter]:
    return (parameter for network in networks for parameter in network.parameters() if parameter.dim() == 4)
