"""How long OpenMP's threads wait for work with a processor held. Importing this imports no torch."""

from __future__ import annotations

import os
import sys

SPIN_COUNT = 10_000
"""Turns of libgomp's waiting loop before a thread lets go of its processor: some tenths of a millisecond.

That is longer than the gaps within a training step, and much shorter than libgomp's own 300,000, by which two trainings on one
machine keep each other waiting: each holds processors while it has nothing to do, and both take many times as long as one after
the other.
"""


def bound_spinning() -> None:
    """Have OpenMP's threads wait no longer than `SPIN_COUNT` turns, unless the environment says how they are to wait.

    For a process of our own, before it imports torch: libgomp, which PyTorch brings, reads its settings as it is loaded.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPIN_COUNT))
