"""Trainings that are killed wherever it can be done, and disks that refuse: what `make soak` does a little of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

SOAK = Path(zoo.__file__).parent.parent / "benchmarks" / "soak.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the program forks")
def test_a_training_that_is_killed_anywhere_ends_as_one_that_was_left_alone():
    done = subprocess.run(
        [sys.executable, str(SOAK), "--kills", "25", "--faults", "12", "--seed", "1", "--json", "soak.json"],
        capture_output=True, text=True, timeout=1800, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(Path("soak.json").read_text())
    assert (sum(found["kills"].values()), sum(found["faults"].values()), found["failures"]) == (25, 12, [])
