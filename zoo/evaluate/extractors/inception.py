"""The Inception-v3 of the FID, whose weights a person has: ``--extractor inception --weights FILE``.

It is TensorFlow's network of 2015 (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567), whose average pooling leaves the frame
out, and whose last block pools the maximum; its weights in PyTorch's format come with pytorch-fid and torch-fidelity.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.errors import OptionError, unknown
from zoo.evaluate.extractors.extractor import Extractor, coloured
from zoo.evaluate.extractors.resizing import RESIZINGS
from zoo.evaluate.extractors.weights import load_weights

SIZE = 299
FILE = "pt_inception-2015-12-05-6726825d.pth"


class Inception(Extractor):
    """The 2048 means of its last pooling."""

    name = "inception"
    summary = f"Inception-v3 of the FID, with --weights {FILE}"
    dimension = 2048
    batch = 25

    def __init__(self, weights: Path | None, resize: str | None = None) -> None:
        """`weights`: the file; `resize`: whose resizing, torch-fidelity's by default."""
        if weights is None:
            raise OptionError(
                f"the extractor inception needs the file {FILE}, as pytorch-fid and torch-fidelity use it: give --weights FILE"
            )
        resize = resize or "torch-fidelity"
        if resize not in RESIZINGS:
            raise OptionError(unknown("--resize", resize, RESIZINGS))
        network = _Network()
        load_weights(network, weights, but_for=("fc.", "AuxLogits."))
        super().__init__(network)
        self.resize = resize

    def features(self, images: Tensor) -> Tensor:
        """As `Extractor.features`."""
        x = RESIZINGS[self.resize](coloured(images), SIZE)
        x = x / 127.5 - 1 if self.resize == "pytorch-fid" else (x - 128) / 128
        found: Tensor = self.network(x)
        return found


class _Conv(nn.Module):
    """A convolution, normalised and rectified."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int] = 1, stride: int = 1, same: bool = True
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.bn(self.conv(x)), inplace=True)


def _average(x: Tensor) -> Tensor:
    return nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _halved(x: Tensor) -> Tensor:
    return nn.functional.max_pool2d(x, 3, 2)


class _Branches(nn.Module):
    """Branches side by side: a list of the names of layers for each, `pool` before the last; layers under the names of the file."""

    def __init__(self, ways: list[list[str]], pool: str, **layers: _Conv) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self._ways, self._pool = ways, pool

    def forward(self, x: Tensor) -> Tensor:
        found = [self._along(way, x) for way in self._ways]
        if self._pool == "halved":
            return torch.cat([*found, _halved(x)], 1)
        pooled = _average(x) if self._pool == "average" else nn.functional.max_pool2d(x, 3, 1, 1)
        return torch.cat([*found, self.get_submodule("branch_pool")(pooled)], 1)

    def _along(self, way: list[str], x: Tensor) -> Tensor:
        for name in way:
            forks = name.split("+")
            x = torch.cat([self.get_submodule(fork)(x) for fork in forks], 1)
        return x


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}_{number}" for number in range(1, count + 1)]


def _a(inputs: int, pool: int) -> _Branches:
    return _Branches(
        [["branch1x1"], _numbered("branch5x5", 2), _numbered("branch3x3dbl", 3)], "average",
        branch1x1=_Conv(inputs, 64), branch5x5_1=_Conv(inputs, 48), branch5x5_2=_Conv(48, 64, 5),
        branch3x3dbl_1=_Conv(inputs, 64), branch3x3dbl_2=_Conv(64, 96, 3), branch3x3dbl_3=_Conv(96, 96, 3),
        branch_pool=_Conv(inputs, pool),
    )  # fmt: skip


def _b(inputs: int) -> _Branches:
    return _Branches(
        [["branch3x3"], _numbered("branch3x3dbl", 3)], "halved",
        branch3x3=_Conv(inputs, 384, 3, 2, False), branch3x3dbl_1=_Conv(inputs, 64), branch3x3dbl_2=_Conv(64, 96, 3),
        branch3x3dbl_3=_Conv(96, 96, 3, 2, False),
    )  # fmt: skip


def _c(inputs: int, width: int) -> _Branches:
    wide, high = (1, 7), (7, 1)
    return _Branches(
        [["branch1x1"], _numbered("branch7x7", 3), _numbered("branch7x7dbl", 5)], "average",
        branch1x1=_Conv(inputs, 192),
        branch7x7_1=_Conv(inputs, width), branch7x7_2=_Conv(width, width, wide), branch7x7_3=_Conv(width, 192, high),
        branch7x7dbl_1=_Conv(inputs, width), branch7x7dbl_2=_Conv(width, width, high),
        branch7x7dbl_3=_Conv(width, width, wide), branch7x7dbl_4=_Conv(width, width, high),
        branch7x7dbl_5=_Conv(width, 192, wide),
        branch_pool=_Conv(inputs, 192),
    )  # fmt: skip


def _d(inputs: int) -> _Branches:
    return _Branches(
        [_numbered("branch3x3", 2), _numbered("branch7x7x3", 4)], "halved",
        branch3x3_1=_Conv(inputs, 192), branch3x3_2=_Conv(192, 320, 3, 2, False),
        branch7x7x3_1=_Conv(inputs, 192), branch7x7x3_2=_Conv(192, 192, (1, 7)), branch7x7x3_3=_Conv(192, 192, (7, 1)),
        branch7x7x3_4=_Conv(192, 192, 3, 2, False),
    )  # fmt: skip


def _e(inputs: int, pool: str) -> _Branches:
    wide, high = (1, 3), (3, 1)
    return _Branches(
        [
            ["branch1x1"], ["branch3x3_1", "branch3x3_2a+branch3x3_2b"],
            ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a+branch3x3dbl_3b"],
        ],
        pool,
        branch1x1=_Conv(inputs, 320),
        branch3x3_1=_Conv(inputs, 384), branch3x3_2a=_Conv(384, 384, wide), branch3x3_2b=_Conv(384, 384, high),
        branch3x3dbl_1=_Conv(inputs, 448), branch3x3dbl_2=_Conv(448, 384, 3),
        branch3x3dbl_3a=_Conv(384, 384, wide), branch3x3dbl_3b=_Conv(384, 384, high),
        branch_pool=_Conv(inputs, 192),
    )  # fmt: skip


class _Network(nn.Module):
    """Its layers, under the names that the file of weights has."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, 2, False)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3, 1, False)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3)
        self.Conv2d_3b_1x1 = _Conv(64, 80)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3, 1, False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a = _b(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (_c(768, each) for each in (128, 160, 160, 192))
        self.Mixed_7a = _d(768)
        self.Mixed_7b, self.Mixed_7c = _e(1280, "average"), _e(2048, "maximum")

    def forward(self, x: Tensor) -> Tensor:
        x = _halved(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = _halved(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        for name, layer in self.named_children():
            if name.startswith("Mixed"):
                x = layer(x)
        return x.mean((2, 3))
