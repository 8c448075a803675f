"""The networks of DCGAN's paper, for images of any size and shape (Radford, Metz & Chintala 2015, https://arxiv.org/abs/1511.06434).

A ladder of sizes leads from the image down to 4×4 or 3×3, each step half of the one before, rounded up: 64, 32, 16, 8, 4 or
28, 14, 7, 4. D walks it down with strided convolutions, G up with transposed ones: kernel 4 from and to even sizes, kernel
3 where a size is odd, padding 1. There is no pooling and no hidden dense layer; batch normalisation stands everywhere but
at G's output and D's input; ReLU in G, leaky ReLU 0.2 in D, tanh at the end.

A rectangle has a ladder of two sides, of as many steps as its longer side takes: 64×48 leads down to 4×3, 64×32 to 4×2, and
what has become one pixel stays one. So the networks are as deep, and their first and last planes no larger, than those of the
square around it.
"""

from __future__ import annotations

from torch import Tensor, nn

import zoo

WIDEST = 8
"""The channels double at every step away from the image, up to this multiple of `width`."""


def ladder(sides: tuple[int, int]) -> list[tuple[int, int]]:
    """Height and width from the image down: ``ladder((28, 28)) == [(28, 28), (14, 14), (7, 7), (4, 4)]``."""
    sizes = [sides]
    while max(sizes[-1]) > 4:
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def widths(width: int, count: int) -> list[int]:
    """The channels at the sizes below the image's own, widest last: ``widths(64, 4) == [64, 128, 256, 512]``."""
    return [width * min(2**step, WIDEST) for step in range(count)]


def kernel(sides: tuple[int, int]) -> tuple[int, int]:
    """The kernel that halves both sides, rounding up, with stride 2 and padding 1."""
    height, width = (4 if side % 2 == 0 else 3 for side in sides)
    return height, width


class LatentToPlanes(nn.ConvTranspose2d):
    """The first layer of G, without bias: latents (N, L) to planes (N, C, *size), each latent a plane of one pixel."""

    def forward(self, latents: Tensor) -> Tensor:
        return zoo.ops.conv_transpose2d(latents[:, :, None, None], self.weight)


def generator(latent: int, channels: int, sides: tuple[int, int], width: int, bias: bool = True) -> nn.Sequential:
    """Latents (N, latent) to images (N, channels, *sides) in [-1, 1]. `bias`: of the last layer."""
    sizes = ladder(sides)
    wide = widths(width, len(sizes) - 1)
    layers: list[nn.Module] = [
        LatentToPlanes(latent, wide[-1], sizes[-1], bias=False),
        zoo.nn.BatchNormAct(wide[-1], activation="relu"),
    ]
    for step in range(len(wide) - 1, 0, -1):
        layers += [
            zoo.nn.ConvTranspose2dAct(wide[step], wide[step - 1], kernel(sizes[step]), 2, 1, bias=False),
            zoo.nn.BatchNormAct(wide[step - 1], activation="relu"),
        ]
    layers += [zoo.nn.ConvTranspose2dAct(wide[0], channels, kernel(sizes[0]), 2, 1, bias=bias, activation="tanh")]
    return nn.Sequential(*layers).apply(initialise)


def discriminator(
    channels: int, sides: tuple[int, int], width: int, pooled: bool = False, bias: bool = True
) -> nn.Sequential:
    """Images (N, channels, *sides) to logits, one each. `bias`: of the first and the last layer.

    The last layer weighs every number of the smallest planes. `pooled`: it makes one plane of them, the map of where the
    image looks real, and the logit is its mean: global average pooling (Lin et al. 2013, https://arxiv.org/abs/1312.4400).
    """
    sizes = ladder(sides)
    wide = widths(width, len(sizes) - 1)
    layers: list[nn.Module] = [
        zoo.nn.Conv2dAct(channels, wide[0], kernel(sizes[0]), 2, 1, bias=bias, activation="leaky_relu", slope=0.2)
    ]
    for step in range(1, len(wide)):
        layers += [
            zoo.nn.Conv2dAct(wide[step - 1], wide[step], kernel(sizes[step]), 2, 1, bias=False),
            zoo.nn.BatchNormAct(wide[step], activation="leaky_relu", slope=0.2),
        ]
    last = zoo.nn.Conv2dAct(wide[-1], 1, 1 if pooled else sizes[-1], bias=bias)
    layers += [last, nn.AdaptiveAvgPool2d(1)] if pooled else [last]
    return nn.Sequential(*layers).apply(initialise)


def initialise(module: nn.Module) -> None:
    """The paper's weights: N(0, 0.02) for convolutions, N(1, 0.02) for normalisation, zero biases."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, zoo.nn.BatchNormAct):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
