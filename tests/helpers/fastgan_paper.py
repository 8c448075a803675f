"""FastGAN's networks in plain PyTorch, from the paper (https://arxiv.org/abs/2101.04775, section 3).

Where that gives no figure they follow the authors' program: at 64×64, 256×256 (as published) and 512×512. Layers are made in the
order in which zoo's are. Spectral normalisation is left out: whoever copies weights copies them normalised.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)


class Noise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.given: Tensor | None = None  # in evaluation mode

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn(x.shape[0], 1, x.shape[2], x.shape[3]) if self.training else self.given
        return x + self.weight * noise


class Up(nn.Module):
    """Nearest neighbours, convolution, normalisation, GLU. `noisy`: noise before the normalisation, and all but the first again."""

    def __init__(self, inputs: int, outputs: int, noisy: bool = False) -> None:
        super().__init__()
        self.conv1 = conv(inputs, 2 * outputs, 3, 1, 1)
        self.noise1 = Noise() if noisy else nn.Identity()
        self.norm1 = nn.BatchNorm2d(2 * outputs)
        self.again: nn.Sequential | None = None
        if noisy:
            self.again = nn.Sequential(
                conv(outputs, 2 * outputs, 3, 1, 1), Noise(), nn.BatchNorm2d(2 * outputs), nn.GLU(dim=1)
            )

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = F.glu(self.norm1(self.noise1(self.conv1(x))), dim=1)
        return x if self.again is None else self.again(x)


class Excite(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(inputs, outputs, 4), conv(outputs, outputs, 1)

    def forward(self, seen: Tensor, scaled: Tensor) -> Tensor:
        x = self.conv1(F.adaptive_avg_pool2d(seen, 4))
        return scaled * torch.sigmoid(self.conv2(x * torch.sigmoid(x)))


class Generator(nn.Module):
    def __init__(self, size: int, latent: int, channels: int, n: int) -> None:
        super().__init__()
        self.size = size
        self.start = nn.ConvTranspose2d(latent, 32 * n, 4, bias=False)
        self.norm = nn.BatchNorm2d(32 * n)
        self.to8 = Up(16 * n, 8 * n, noisy=True)
        self.to16 = Up(8 * n, 4 * n)
        self.to32 = Up(4 * n, 2 * n, noisy=True)
        self.to64 = Up(2 * n, 2 * n)
        if size >= 256:
            self.to128 = Up(2 * n, n, noisy=True)
            self.to256 = Up(n, n // 2)
        if size == 512:
            self.to512 = Up(n // 2, n // 4, noisy=True)
        self.sle64 = Excite(16 * n, 2 * n)
        if size >= 256:
            self.sle128 = Excite(8 * n, n)
            self.sle256 = Excite(4 * n, n // 2)
        if size == 512:
            self.sle512 = Excite(2 * n, n // 4)
        self.image = conv({64: 2 * n, 256: n // 2, 512: n // 4}[size], channels, 3, 1, 1)

    def forward(self, latents: Tensor) -> Tensor:
        x4 = F.glu(self.norm(self.start(latents[:, :, None, None])), dim=1)
        x8 = self.to8(x4)
        x16 = self.to16(x8)
        x32 = self.to32(x16)
        x = self.sle64(x4, self.to64(x32))
        if self.size >= 256:
            x = self.sle128(x8, self.to128(x))
            x = self.sle256(x16, self.to256(x))
        if self.size == 512:
            x = self.sle512(x32, self.to512(x))
        return torch.tanh(self.image(x))


class Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = conv(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs)
        self.conv3, self.norm3 = conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        main = F.leaky_relu(self.norm1(self.conv1(x)), 0.2)
        main = F.leaky_relu(self.norm2(self.conv2(main)), 0.2)
        direct = F.leaky_relu(self.norm3(self.conv3(F.avg_pool2d(x, 2))), 0.2)
        return (main + direct) / 2


def strided(inputs: int, outputs: int) -> list[nn.Module]:
    return [conv(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]


class Decoder(nn.Module):
    def __init__(self, inputs: int, channels: int, side: int, n: int) -> None:
        super().__init__()
        ups = [Up(inputs, 4 * n), Up(4 * n, 2 * n), Up(2 * n, 2 * n), Up(2 * n, n)]
        self.ups = nn.Sequential(*ups[: {32: 2, 128: 4}[side]])
        self.image = conv({32: 2 * n, 128: n}[side], channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.image(self.ups(F.adaptive_avg_pool2d(x, 8))))


class Discriminator(nn.Module):
    """To the logits of patches, (N, 50): 5×5 of the image, 5×5 of the smaller one."""

    def __init__(self, size: int, channels: int, n: int) -> None:
        super().__init__()
        self.size = size
        leaky = nn.LeakyReLU(0.2)
        if size == 64:
            self.stem = nn.Sequential(conv(channels, n, 3, 1, 1), leaky)
        elif size == 256:
            self.stem = nn.Sequential(conv(channels, n // 4, 3, 1, 1), leaky)
        else:
            self.stem = nn.Sequential(conv(channels, n // 4, 4, 2, 1), leaky)
        if size >= 256:
            self.down128, self.down64 = Down(n // 4, n // 2), Down(n // 2, n)
        self.down32, self.down16, self.down8 = Down(n, 2 * n), Down(2 * n, 4 * n), Down(4 * n, 8 * n)
        if size >= 256:
            self.sle32, self.sle16 = Excite(n // 4, 2 * n), Excite(n // 2, 4 * n)
        self.sle8 = Excite(n, 8 * n)
        self.logits = nn.Sequential(conv(8 * n, 16 * n, 1), nn.BatchNorm2d(16 * n), leaky, conv(16 * n, 1, 4))
        if size == 64:  # its smaller image has 32×32
            self.small = nn.Sequential(conv(channels, 2 * n, 4, 2, 1), leaky, *strided(2 * n, 4 * n))
        else:
            self.small = nn.Sequential(
                conv(channels, n // 2, 4, 2, 1), leaky, *strided(n // 2, n), *strided(n, 2 * n), *strided(2 * n, 4 * n)
            )
        self.small_logits = conv(4 * n, 1, 4)
        self.side = 32 if size == 64 else 128
        self.decode_whole = Decoder(8 * n, channels, self.side, n // 2)
        self.decode_part = Decoder(4 * n, channels, self.side, n // 2)
        self.decode_small = Decoder(4 * n, channels, self.side, n // 2)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of 8×8, of 16×16, and of the smaller image."""
        x = self.stem(images)
        if self.size >= 256:
            x256, x128 = x, self.down128(x)
            x64 = self.down64(x128)
            x32 = self.sle32(x256, self.down32(x64))
            x16 = self.sle16(x128, self.down16(x32))
        else:
            x64 = x
            x16 = self.down16(self.down32(x64))
        x8 = self.sle8(x64, self.down8(x16))
        return x8, x16, self.small(F.interpolate(images, size=self.side, mode="nearest"))

    def forward(self, images: Tensor) -> Tensor:
        x8, _, small = self.features(images)
        return torch.cat([self.logits(x8).flatten(1), self.small_logits(small).flatten(1)], 1)

    def reconstruct(self, images: Tensor, part: int) -> list[Tensor]:
        """What the decoders make of images: the whole, quarter `part` (row by row), the smaller image."""
        x8, x16, small = self.features(images)
        row, column = divmod(part, 2)
        cut = x16[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        return [self.decode_whole(x8), self.decode_part(cut), self.decode_small(small)]
