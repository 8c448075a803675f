"""A training step in Keras, in a process of its own: python keras_worker.py BACKEND FAMILY BATCH SIZE CHANNELS CLASSES WAY.

BACKEND is tensorflow (a step is one graph) or jax (a step is one jitted function). FAMILY is convolutional or dense; WAY is
alternating, the official PyTorch example's order (G judges its fakes anew after D's update), or simultaneous, TensorFlow's own
tutorial's (both losses of one pass). Adam at 2e-4 with 0.5. For each line on standard input it does one step and answers with
the seconds that took; the first answer, after building and compiling, is "ready".

It takes as many threads as OMP_NUM_THREADS says. Reads and writes nothing else, and imports nothing of zoo: it runs wherever
Keras 3 and the backend are installed.
"""

from __future__ import annotations

import importlib
import os
import sys
import time

THREADS = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def main() -> None:
    backend, family = sys.argv[1:3]
    batch, size, channels, classes = map(int, sys.argv[3:7])
    os.environ["KERAS_BACKEND"] = backend  # before Keras is imported
    side = importlib.import_module(f"keras_on_{backend}")
    side.limit_threads(THREADS)

    import numpy as np
    from keras_networks import networks

    generator, discriminator = networks(family, size, channels, classes)
    random = np.random.default_rng(0)
    real = np.tanh(random.standard_normal((batch, size, size, channels))).astype(np.float32)
    labels = np.eye(classes, dtype=np.float32)[random.integers(0, classes, batch)] if classes else None
    step = side.stepper(generator, discriminator, sys.argv[7], real, labels)
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        step()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
