"""One seed, many independent streams of random numbers."""

from __future__ import annotations

import numpy as np

STREAMS = ("weights", "data", "latents", "grid", "probe", "evaluation")


def stream_seed(seed: int, stream: str, number: int = 0) -> int:
    """The seed of a named stream, in [0, 2^63): streams of one run are independent of each other, and of other runs'.

    `number`: which of the streams of that name.
    """
    key = (STREAMS.index(stream), *((number,) if number else ()))
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
