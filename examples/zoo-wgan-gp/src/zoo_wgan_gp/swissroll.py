"""The third toy density of the paper (figure 2), which zoo does not have: ``--data swissroll``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import zoo

COUNT, PART = 50_000, 10_000
SCALE = 16.0
"""The roll reaches out to 4.5 π = 14.1, its noise a little further; divided by this it lies in [-1, 1]."""


class SwissRoll(zoo.DataSource):
    """50,000 points on a spiral in the plane, t · (cos t, sin t) for t uniform in [1.5 π, 4.5 π), with normal noise of 0.25.

    The Swiss roll of Marsland (Machine Learning, 2009) seen from its end, with the noise of the paper's experiments; here
    everything is divided by 16.
    """

    name = "swissroll"
    summary = "Points in the plane, on a spiral (Gulrajani et al. 2017)."
    points = True

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Only `--data swissroll`; there is nothing to point at."""
        return location == ""

    def __init__(self, location: str) -> None:
        if location:
            raise zoo.errors.DataError(f"--data swissroll:{location}: swissroll has no parts; write --data swissroll")
        self.title = "the Swiss roll"
        self.channels, self.height, self.width = 1, 1, 2

    def __len__(self) -> int:
        return COUNT

    def fingerprint(self) -> str:
        """To be changed whenever the points change: the prepared store is kept by it."""
        return f"swissroll-1-{COUNT}"

    def chunks(self) -> Iterable[int]:
        """The number of each part."""
        return range(COUNT // PART)

    def decode(self, item: int, spec: zoo.DataSpec) -> Iterator[zoo.Images]:
        """A part of the points, float32 (n, 1, 2, 1) in [-1, 1]; the same ones every time."""
        import numpy as np

        random = np.random.default_rng([1704, 28, item])
        angle = 1.5 * np.pi * (1 + 2 * random.random(PART))
        spiral = angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        points = (spiral + 0.25 * random.standard_normal(spiral.shape)) / SCALE
        yield zoo.Images(points.clip(-1, 1).astype(np.float32).reshape(PART, 1, 2, 1))
