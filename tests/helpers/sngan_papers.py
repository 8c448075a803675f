"""The networks of Miyato et al. 2018 and Miyato & Koyama 2018 in plain PyTorch, written from the papers' tables and figures.

In the order in which the papers have things: shortcuts enlarge before they convolve, and convolve before they pool. Spectral
normalisation is not in here: a test sets the weights, divided by their σ.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

TABLES = {
    # size: G's first side, channels before and behind each "ResBlock up"; D's ("ResBlock down" or "ResBlock", channels)
    32: (4, [256, 256, 256, 256], [("down", 128), ("down", 128), ("", 128), ("", 128)]),
    48: (6, [512, 256, 128, 64], [("down", 64), ("down", 128), ("down", 256), ("down", 512), ("", 1024)]),
    64: (
        4,
        [1024, 512, 256, 128, 64],
        [("down", 64), ("down", 128), ("down", 256), ("down", 512), ("down", 1024)],
    ),
    128: (
        4,
        [1024, 1024, 512, 256, 128, 64],
        [("down", 64), ("down", 128), ("down", 256), ("down", 512), ("down", 1024), ("", 1024)],
    ),
}


class Norm(nn.Module):
    """Batch normalisation with one scale and shift, or with those of each class."""

    def __init__(self, channels: int, classes: int = 0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.weight = nn.Parameter(torch.ones(max(1, classes), channels))
        self.bias = nn.Parameter(torch.zeros(max(1, classes), channels))

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        which = torch.zeros(len(x), dtype=torch.int64) if labels is None else labels
        return self.norm(x) * self.weight[which][:, :, None, None] + self.bias[which][:, :, None, None]


class UpBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, classes: int) -> None:
        super().__init__()
        self.norm1 = Norm(inputs, classes)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = Norm(outputs, classes)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        y = F.interpolate(F.relu(self.norm1(x, labels)), scale_factor=2)
        y = self.conv2(F.relu(self.norm2(self.conv1(y), labels)))
        return y + self.shortcut(F.interpolate(x, scale_factor=2))


class Generator(nn.Module):
    def __init__(self, size: int, share: int = 1, channels: int = 3, classes: int = 0, latent: int = 128) -> None:
        super().__init__()
        self.side, wide, _ = TABLES[size]
        wide = [count // share for count in wide]
        self.dense = nn.Linear(latent, self.side**2 * wide[0])
        self.blocks = nn.ModuleList(UpBlock(a, b, classes) for a, b in pairwise(wide))
        self.norm = Norm(wide[-1])
        self.last = nn.Conv2d(wide[-1], channels, 3, padding=1)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        x = self.dense(latents).reshape(len(latents), -1, self.side, self.side)
        for block in self.blocks:
            x = block(x, labels)
        return torch.tanh(self.last(F.relu(self.norm(x, None))))


class DownBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, down: bool, first: bool) -> None:
        super().__init__()
        self.down, self.first = down, first
        hidden = outputs if first else inputs
        self.conv1 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if down or inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        x = x if self.shortcut is None else self.shortcut(x)
        return F.avg_pool2d(y, 2) + F.avg_pool2d(x, 2) if self.down else y + x


class Discriminator(nn.Module):
    def __init__(self, size: int, share: int = 1, channels: int = 3, classes: int = 0) -> None:
        super().__init__()
        self.blocks, inputs = nn.ModuleList(), channels
        for kind, outputs in TABLES[size][2]:
            self.blocks.append(DownBlock(inputs, outputs // share, kind == "down", not self.blocks))
            inputs = outputs // share
        self.dense = nn.Linear(inputs, 1, bias=size != 32)
        self.embedding = nn.Embedding(classes, inputs) if classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        x = images
        for block in self.blocks:
            x = block(x)
        x = F.relu(x).sum((2, 3))
        logits = self.dense(x)[:, 0]
        return logits if self.embedding is None else logits + (self.embedding(labels) * x).sum(1)


class ConvolutionalGenerator(nn.Module):
    """Table 3 (a)."""

    def __init__(self, size: int, share: int = 1, channels: int = 3, latent: int = 128) -> None:
        super().__init__()
        self.side, (a, b, c, d) = size // 8, (512 // share, 256 // share, 128 // share, 64 // share)
        self.dense = nn.Linear(latent, a * self.side**2)
        self.deconv1, self.norm1 = nn.ConvTranspose2d(a, b, 4, 2, 1), Norm(b)
        self.deconv2, self.norm2 = nn.ConvTranspose2d(b, c, 4, 2, 1), Norm(c)
        self.deconv3, self.norm3 = nn.ConvTranspose2d(c, d, 4, 2, 1), Norm(d)
        self.conv = nn.Conv2d(d, channels, 3, 1, 1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.dense(latents).reshape(len(latents), -1, self.side, self.side)
        x = F.relu(self.norm1(self.deconv1(x), None))
        x = F.relu(self.norm2(self.deconv2(x), None))
        x = F.relu(self.norm3(self.deconv3(x), None))
        return torch.tanh(self.conv(x))


class ConvolutionalDiscriminator(nn.Module):
    """Table 3 (b)."""

    def __init__(self, size: int, share: int = 1, channels: int = 3) -> None:
        super().__init__()
        wide = [channels, *(count // share for count in (64, 64, 128, 128, 256, 256, 512))]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4 if place % 2 else 3, 2 if place % 2 else 1, 1)
            for place, (a, b) in enumerate(pairwise(wide))
        )
        self.dense = nn.Linear(wide[-1] * (size // 8) ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
        return self.dense(x.flatten(1))[:, 0]
