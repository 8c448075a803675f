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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the program forks")
def test_a_training_that_is_killed_anywhere_ends_as_one_that_was_left_alone():
    done = subprocess.run(
        [sys.executable, str(SOAK), "--kills", "25", "--faults", "12", "--seed", "1", "--json", "soak.json"],
        capture_output=True, text=True, timeout=1800, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(Path("soak.json").read_text())
    assert (sum(found["kills"].values()), sum(found["faults"].values()), found["failures"]) == (25, 12, [])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells of memory and open files")
def test_a_long_run_is_watched():
    """The program; how flat its lines are is for whoever looks at the plot, and no machine's business."""
    program = SOAK.with_name("long_run.py")
    done = subprocess.run(
        [sys.executable, str(program), "--steps", "60", "--every", "10", "--csv", "long.csv"],
        capture_output=True, text=True, timeout=600, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = Path("long.csv").read_text().splitlines()
    assert (rows[0], len(rows)) == ("step,memory_mb,files,threads,seconds", 7)
    files = [int(row.split(",")[2]) for row in rows[1:]]
    assert max(files) - min(files) <= 3, "no file stays open, but those of a checkpoint that is being written"
