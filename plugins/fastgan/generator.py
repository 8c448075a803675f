"""The generator (section 3.1): one stage for each doubling, and skip-layer excitation from small planes to large ones."""

from __future__ import annotations

from torch import Tensor, nn
from zoo_plugins.fastgan.layers import (
    GLU,
    SkipLayerExcitation,
    batch_norm,
    convolution,
    noisy_up_block,
    transposed_convolution,
    up_block,
)

SHARES = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}
"""Channels of the planes of each side, as multiples of the width."""

NOISY = (8, 32, 128, 512)
"""Sides of the stages with two convolutions and noise."""

EXCITED = {64: 4, 128: 8, 256: 16, 512: 32}
"""Sides of the planes that are scaled, and of those that say how."""


class Generator(nn.Module):
    """Latents (N, latent) to images (N, channels, size, size) in [-1, 1].

    Args:
        latent: length of a latent vector.
        channels: of the images.
        size: their side, a power of two from 8 to 1024.
        width: channels of the planes of side 128; the published networks have 64.
    """

    def __init__(self, latent: int, channels: int, size: int, width: int) -> None:
        super().__init__()
        wide = {side: max(1, int(share * width)) for side, share in SHARES.items()}
        self.first = nn.Sequential(
            nn.Unflatten(1, (latent, 1, 1)),
            transposed_convolution(latent, 2 * wide[4], 4),
            batch_norm(2 * wide[4]),
            GLU(),
        )
        self.stages = nn.ModuleDict()
        self.excitations = nn.ModuleDict()
        for side in [side for side in SHARES if 4 < side <= size]:
            given, made = wide[side // 2], wide[side]
            self.stages[str(side)] = noisy_up_block(given, made, side) if side in NOISY else up_block(given, made)
            if side in EXCITED:
                self.excitations[str(side)] = SkipLayerExcitation(wide[EXCITED[side]], made)
        self.last = convolution(wide[size], channels, 3, 1, 1, activation="tanh")

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (N, latent) to images (N, channels, size, size) in [-1, 1]."""
        x = self.first(latents)
        planes = {4: x}
        for name, stage in self.stages.items():
            x = stage(x)
            if name in self.excitations:
                x = self.excitations[name](planes[EXCITED[int(name)]], x)
            planes[int(name)] = x
        images: Tensor = self.last(x)
        return images
