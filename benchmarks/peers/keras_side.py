"""The contenders that run on Keras and TensorFlow, each in a process of its own that waits for its turn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from peers.workloads import Workload

WORKER = Path(__file__).with_name("keras_worker.py")
WAYS = {"tensorflow": "alternating", "tensorflow, simultaneous": "simultaneous"}
"""Contenders, and how they play; simultaneous: both updates from one pass of D over the fakes, about a tenth less to compute."""


class Worker:
    """A contender in another process: calling it has one step done there. Use it as a context."""

    def __init__(self, python: str, workload: Workload, classes: int, way: str) -> None:
        self._command = [
            python, str(WORKER), "dense" if workload.architecture == "vanilla" else "convolutional", str(workload.batch),
            str(workload.options.get("size", 28)), str(workload.options.get("channels", 1)), str(classes), way,
        ]  # fmt: skip

    def __enter__(self) -> Worker:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        if self._answer() != "ready":
            raise RuntimeError(self._process.stderr.read().strip().splitlines()[-1] or "it ended without a word")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        self._process.wait()

    def __call__(self) -> float:
        """One step; the seconds it took, without what the pipe takes."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        return self._process.stdout.readline().strip()


def obstacle(python: str) -> str | None:
    """Why Keras and TensorFlow cannot be measured with this interpreter; None where they can."""
    done = subprocess.run([python, "-c", "import keras, tensorflow"], capture_output=True, text=True)
    if done.returncode == 0:
        return None
    last = (done.stderr.strip().splitlines() or ["it does not run"])[-1]
    return f"{last}; name one that has Keras 3 and TensorFlow with --keras PYTHON ({sys.executable} is this one)"
