"""Generators that do not learn, and whose density is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from zoo.data.formats.toy import Mixture
from zoo.errors import OptionError, unknown


class FixedGenerator(nn.Module):
    """A generator whose images of normal latents follow a mixture exactly; it has no parameters.

    The first number of a latent chooses the component, by its place in the normal distribution; the others, scaled by the
    standard deviation and moved to the component's mean, are the point. Of one component it is an affine map of a Gaussian.
    """

    modes: Tensor
    bounds: Tensor

    def __init__(self, mixture: Mixture) -> None:
        super().__init__()
        self.mixture = mixture
        self.register_buffer("modes", torch.from_numpy(mixture.modes))
        self.register_buffer("bounds", torch.from_numpy(np.cumsum(mixture.weights)[:-1]))

    @property
    def latent(self) -> int:
        """The length of its latents."""
        return self.mixture.dimensions + 1

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (N, d + 1) from N(0, 1) to points (N, 1, 1, d)."""
        latents = latents.double()
        chosen = torch.bucketize(torch.special.ndtr(latents[:, 0]), self.bounds, right=True)
        points = self.modes[chosen] + self.mixture.deviation * latents[:, 1:]
        return points.float()[:, None, None, :]


def gaussian(data: Mixture) -> Mixture:
    """One Gaussian as wide as the data: an affine map of the latent."""
    mean = data.weights @ data.modes
    spread = data.weights @ np.square(data.modes - mean)
    return Mixture.of([mean], float(np.sqrt(spread.mean() + data.deviation**2)))


def missing(data: Mixture) -> Mixture:
    """Every second mode of the data: what a generator makes whose modes have collapsed."""
    kept = np.arange(len(data.modes)) % 2 == 0
    return Mixture.of(data.modes[kept], data.deviation, data.weights[kept] / data.weights[kept].sum())


def wider(data: Mixture) -> Mixture:
    """The data's modes, each twice as wide."""
    return data.with_deviation(2 * data.deviation)


def same(data: Mixture) -> Mixture:
    """The data itself, where the best discriminator says one half everywhere."""
    return data


GENERATORS: dict[str, Callable[[Mixture], Mixture]] = {
    "gaussian": gaussian,
    "missing": missing,
    "wider": wider,
    "same": same,
}
"""The fixed generators by name: from the data's mixture to theirs."""


def fixed_generator(name: str, data: Mixture) -> FixedGenerator:
    """The fixed generator of that name for this data. Raises OptionError for a name that there is not."""
    if name not in GENERATORS:
        raise OptionError(unknown("generator", name, GENERATORS, "zoo theory --help"))
    return FixedGenerator(GENERATORS[name](data))
