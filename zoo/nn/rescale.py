"""From one range of numbers to another: for networks that see images otherwise than in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn


class Rescale(nn.Module):
    """Maps one range onto another, linearly; numbers outside of it go on along the same line.

    Everything outside a network lives in [-1, 1]. A generator that ends in a sigmoid is followed by
    ``Rescale((0, 1), (-1, 1))``, a discriminator that is to see images in [0, 1] begins with ``Rescale((-1, 1), (0, 1))``.
    It has no parameters and nothing in the state dict.

    Args:
        given: the range that comes in, (low, high).
        wanted: the range that goes out, (low, high).

    Raises:
        ValueError: for a range that is not two finite numbers, the lower one first.
    """

    def __init__(self, given: Sequence[float], wanted: Sequence[float]) -> None:
        super().__init__()
        for name, ends in (("given", given), ("wanted", wanted)):
            if len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
                raise ValueError(f"{name} is {ends!r}; two numbers are needed, the lower one first, as in (0, 1)")
        self.given = (float(given[0]), float(given[1]))
        self.wanted = (float(wanted[0]), float(wanted[1]))
        self.scale = (self.wanted[1] - self.wanted[0]) / (self.given[1] - self.given[0])
        self.offset = self.wanted[0] - self.given[0] * self.scale

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return x * self.scale + self.offset

    def extra_repr(self) -> str:
        return f"{list(self.given)} to {list(self.wanted)}"
