"""The program for a machine with a GPU (`benchmarks/gpu`), as far as one without allows: no rename is to break it unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "benchmarks" / "gpu" / "lib"


def python(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("family", ["losses", "whole"])
def test_a_stage_works_on_the_cpu_and_finds_nothing_wrong(family, tmp_path):
    results = tmp_path / "results.jsonl"
    done = python(LIB / "smoke.py", family, DEVICE="cpu", RESULTS=str(results))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert rows[-1]["kind"] == "smoke"
    assert rows[-1]["wrong"] == 0
    assert rows[-1]["right"] > 0


@pytest.mark.parametrize("stage", ["facts.py", "sanitize.py", "probes.py", "ops_times.py", "train.py"])
def test_a_stage_without_a_device_ends_with_3(stage):
    done = python(LIB / stage, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 3, done.stdout + done.stderr


@pytest.mark.parametrize(
    "probe", ["tests_would_skip", "odd_layouts", "failed_capture", "deterministic_later", "adam_layouts"]
)
def test_a_probe_finds_what_it_imports(probe):
    """Each breaks at the GPU that is not there, and at nothing before."""
    done = python(LIB / "probes.py", probe, DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    for mistake in ("ModuleNotFoundError", "ImportError", "AttributeError", "NameError"):
        assert mistake not in done.stdout


def test_the_tree_is_copied_as_an_installation_would_have_it_and_results_are_summed_up(tmp_path):
    done = python(LIB / "prepare.py", ROOT, tmp_path / "zoo", tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert "there are none" in done.stdout
    listed = python("-m", "zoo", "list", PYTHONPATH=str(tmp_path / "zoo"))
    assert "dcgan" in listed.stdout, listed.stderr
    rows = [{"stage": "facts", "rc": 0, "seconds": 1.5}, {"kind": "WRONG", "case": "a", "error": 1.0}]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = python(LIB / "summarise.py", tmp_path)
    assert told.returncode == 0, told.stderr
    assert "facts" in told.stdout
    assert "WRONG: case=a, error=1" in told.stdout
