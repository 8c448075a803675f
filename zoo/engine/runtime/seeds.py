"""One seed, many independent streams of random numbers."""

from __future__ import annotations

import numpy as np

STREAMS = ("weights", "data", "latents", "grid")


def stream_seed(seed: int, stream: str) -> int:
    """The seed of a named stream, in [0, 2^63): streams of one run are independent of each other, and of other runs'."""
    words = np.random.SeedSequence(seed, spawn_key=(STREAMS.index(stream),)).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
