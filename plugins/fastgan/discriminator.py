"""The discriminator (section 3.2): residual blocks that halve, logits of patches, decoders that make it auto-encode."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from zoo_plugins.fastgan.decoder import Decoders, Features
from zoo_plugins.fastgan.layers import SLOPE, SkipLayerExcitation, batch_norm, convolution
from zoo_plugins.fastgan.passes import Pass, note

LARGEST, SMALLEST = 256, 8
"""Sides of the planes between which the residual blocks halve: larger images are shrunk by strided convolutions first."""

MIDDLE = 16
"""Side of the planes of which a part is decoded."""

SECOND = 128
"""Largest side of the images at the second scale."""

LEAKY = dict(activation="leaky_relu", slope=SLOPE)


def second_side(size: int) -> int:
    """Side of the images at the second scale, and of those that are decoded: half of the images', up to 128."""
    return min(SECOND, size // 2)


class DownBlock(nn.Module):
    """Halves both sides: the mean of two ways there, one of two convolutions, one of a 2×2 mean and one convolution of 1×1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *halving(inputs, outputs), convolution(outputs, outputs, 3, 1, 1), batch_norm(outputs, "leaky_relu")
        )
        self.direct = nn.Sequential(nn.AvgPool2d(2), convolution(inputs, outputs, 1), batch_norm(outputs, "leaky_relu"))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        y: Tensor = (self.main(x) + self.direct(x)) / 2
        return y


def halving(inputs: int, outputs: int) -> list[nn.Module]:
    """The layers of the simpler block: one convolution of 4×4 with stride 2, normalised."""
    return [convolution(inputs, outputs, 4, 2, 1), batch_norm(outputs, "leaky_relu")]


class Discriminator(nn.Module):
    """Images (N, channels, size, size) in [-1, 1] to logits (N,): the means of those of their patches.

    A patch is what one of 5×5 logits sees, of the image and, with `second_scale`, of the image shrunk to half its side. A pass
    leaves them, and what the decoders take, where `zoo_plugins.fastgan.passes.watched` says.

    Args:
        channels: of the images.
        size: their side, a power of two from 32 to 1024.
        width: channels of the planes of side 64; the published networks have 64.
        second_scale: a second, simpler stack of layers for the image at half its size.
        decoded: with decoders.
    """

    def __init__(self, channels: int, size: int, width: int, second_scale: bool = True, decoded: bool = True) -> None:
        super().__init__()

        def wide(side: int) -> int:
            return max(1, width * 64 // side)

        def half(side: int) -> int:
            return max(1, width * 32 // side)

        side = min(size, LARGEST)
        if size == side:
            stem: list[nn.Module] = [convolution(channels, wide(side), 3, 1, 1, **LEAKY)]
        else:
            stem = [convolution(channels, wide(size // 2), 4, 2, 1, **LEAKY)]
            for step in range((size // side).bit_length() - 2):
                stem += halving(wide(size >> (step + 1)), wide(size >> (step + 2)))
        self.first = nn.Sequential(*stem)
        self.blocks = nn.ModuleDict()
        self.excitations = nn.ModuleDict()
        while side > SMALLEST:
            side //= 2
            self.blocks[str(side)] = DownBlock(wide(2 * side), wide(side))
            if 8 * side <= min(size, LARGEST):
                self.excitations[str(side)] = SkipLayerExcitation(wide(8 * side), wide(side))
        self.logits = nn.Sequential(
            convolution(wide(8), 2 * wide(8), 1), batch_norm(2 * wide(8), "leaky_relu"), convolution(2 * wide(8), 1, 4)
        )
        self.step = size // second_side(size)
        self.second: nn.Sequential | None = None
        self.second_logits: nn.Module | None = None
        if second_scale:
            side = second_side(size) // 2
            layers: list[nn.Module] = [convolution(channels, half(side), 4, 2, 1, **LEAKY)]
            while side > SMALLEST:
                side //= 2
                layers += halving(half(2 * side), half(side))
            self.second = nn.Sequential(*layers)
            self.second_logits = convolution(half(8), 1, 4)
        sources = {"whole": wide(8), "part": wide(MIDDLE)} | ({"second": half(8)} if second_scale else {})
        self.decoders = Decoders(sources, channels, second_side(size), max(1, width // 2)) if decoded else None

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, channels, size, size) to logits (N,)."""
        x = self.first(images)
        planes = {x.shape[-1]: x}
        for name, block in self.blocks.items():
            side = int(name)
            x = block(x)
            if name in self.excitations:
                x = self.excitations[name](planes[8 * side], x)
            planes[side] = x
        patches = self.logits(x).flatten(1)
        second = None
        if self.second is not None and self.second_logits is not None:
            second = self.second(images[:, :, :: self.step, :: self.step])
            patches = torch.cat([patches, self.second_logits(second).flatten(1)], 1)
        note(Pass(images, patches, Features(x, planes[MIDDLE], second), self.decoders))
        logits: Tensor = patches.mean(1)
        return logits
