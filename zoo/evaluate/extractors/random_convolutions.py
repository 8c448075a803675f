"""The last resort: convolutions that have learnt nothing."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.evaluate.extractors.extractor import Extractor, coloured

WIDTHS = (24, 48, 96)
SEED = 0


class RandomConvolutions(Extractor):
    """The means and deviations, over four quarters of the picture, of three layers of random convolutions.

    Random weights see edges and colours, not objects; the features of such a network do order generators, as those of untrained
    Inception do (Naeem et al. 2020, https://arxiv.org/abs/2002.09797), but no published figure is comparable.
    """

    name = "random"
    summary = "random convolutions, which have learnt nothing: the last resort"
    dimension = 5 * sum(WIDTHS)

    def __init__(self) -> None:
        super().__init__(_network())

    @classmethod
    def unsuited(cls, spec: DataSpec) -> str | None:
        """As `Extractor.unsuited`: pictures of less than 8×8 too."""
        if not spec.points and min(spec.height, spec.width) < 8:
            return f"it looks at pictures of 8×8 and more, not {spec.width}×{spec.height}"
        return super().unsuited(spec)

    def features(self, images: Tensor) -> Tensor:
        """As `Extractor.features`."""
        x = coloured(images).float() / 127.5 - 1
        found = []
        for layer in self.network.children():
            x = layer(x)
            quarters = nn.functional.adaptive_avg_pool2d(x, 2)
            places = x.flatten(2)
            deviations = places.std(2) if places.shape[2] > 1 else torch.zeros_like(places[:, :, 0])  # 8×8 end in one
            found += [quarters.flatten(1), deviations]
        return torch.cat(found, 1)


def _network() -> nn.Sequential:
    """The layers, of orthogonal weights that NumPy draws, whose numbers are the same everywhere."""
    random = np.random.default_rng(SEED)
    layers: list[nn.Module] = []
    for inputs, outputs in zip((3, *WIDTHS), WIDTHS, strict=False):
        layer = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        drawn = random.standard_normal((max(outputs, 9 * inputs), min(outputs, 9 * inputs)))
        ways = np.linalg.qr(drawn)[0]
        ways = ways if len(ways) == outputs else ways.T
        weights = np.round(ways * 2**12) / 2**12  # so that the last bits of a machine's own arithmetic do not matter
        layer.weight = nn.Parameter(torch.tensor(weights * 1.4, dtype=torch.float32).view_as(layer.weight))
        layers.append(nn.Sequential(layer, nn.LeakyReLU(0.2)))
    return nn.Sequential(*layers)
