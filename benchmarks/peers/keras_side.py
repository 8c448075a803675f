"""The contenders that run on Keras, over TensorFlow and over JAX, each in a process of its own that waits for its turn."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from types import TracebackType

import torch

from peers.workloads import Workload

WORKER = Path(__file__).with_name("keras_worker.py")
WAYS = {
    "tensorflow": ("tensorflow", "alternating"),
    "jax": ("jax", "alternating"),
    "tensorflow, simultaneous": ("tensorflow", "simultaneous"),
    "jax, simultaneous": ("jax", "simultaneous"),
}
"""Contenders: Keras' backend, and how they play. What the two ways are, keras_worker.py says."""


class Worker:
    """A contender in another process: calling it has one step done there. Use it as a context.

    It takes as many threads as torch takes here. `seconds` are what its steps took there, without what the pipe takes.
    """

    def __init__(self, python: str, workload: Workload, classes: int, backend: str, way: str) -> None:
        self.seconds: list[float] = []
        self._command = [
            python, str(WORKER), backend, "dense" if workload.architecture == "vanilla" else "convolutional",
            str(workload.batch), str(workload.options.get("size", 28)), str(workload.options.get("channels", 1)),
            str(classes), way,
        ]  # fmt: skip

    def __enter__(self) -> Worker:
        pipe = subprocess.PIPE
        environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        if (answer := self._process.stdout.readline().strip()) != "ready":
            raise RuntimeError(f"it ended with {answer or 'no word'}; see what {' '.join(self._command)} says")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        self._process.wait()

    def __call__(self) -> None:
        """One step."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        self.seconds.append(float(self._process.stdout.readline()))

    def rounds(self, count: int) -> list[float]:
        """Seconds per step in each of the last `count` rounds, of as many steps each; what came before them was warming up."""
        each = len(self.seconds) // count
        last = self.seconds[len(self.seconds) - each * count :]
        return [sum(last[start : start + each]) / each for start in range(0, len(last), each)]


@cache
def obstacle(python: str, backend: str) -> str | None:
    """Why Keras on a backend cannot be measured with this interpreter; None where it can."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([python, "-c", f"import keras, {backend}"], capture_output=True, text=True, env=environment)
    if done.returncode == 0:
        return None
    last = (done.stderr.strip().splitlines() or ["it does not run"])[-1]
    return f"{last}; name an interpreter that has keras and {backend} with --keras PYTHON (make bench-steps makes one)"
