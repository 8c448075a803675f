"""The program that says what a step costs at least: what it counts, and what it makes of that."""

from __future__ import annotations

import sys

import pytest
import roofline
import torch
from peers.workloads import Workload

MIB = 1 << 20


def counted(work):
    with roofline.Traffic() as found:
        work()
    return found.ops, found.bytes


def test_an_op_reads_its_inputs_and_writes_its_outputs():
    x, y = torch.ones(256), torch.ones(256)
    assert counted(lambda: x + y) == (1, 3 * 1024)
    assert counted(lambda: x.add_(y)) == (1, 3 * 1024), "in place: read and written"
    assert counted(lambda: torch._foreach_add_([x, y], 1.0)) == (1, 4 * 1024)


def test_views_and_room_that_is_made_move_nothing():
    x = torch.ones(16, 16)
    assert counted(lambda: x.t().view(16, 16)[1:]) == (0, 0)
    assert counted(lambda: torch.empty(16)) == (0, 0)


def test_what_is_done_backwards_counts():
    x = torch.ones(256, requires_grad=True)
    ops, moved = counted(lambda: torch.autograd.grad((x * 2.0).sum(), x))
    assert ops >= 3
    assert moved >= 4 * 1024


def test_floors_are_counts_by_rates():
    found = roofline.Traffic()
    found.ops, found.bytes = 50, 8 * roofline.COPIED
    times = {"product, float32": [1.0] * 3, "copy": [0.5] * 3, "chain": [2.0 * roofline.CHAIN] * 3}
    floors = roofline.floors(4 * roofline.SIDE**3, found, "float32", times)
    assert (floors["arithmetic"], floors["memory"], floors["launches"]) == pytest.approx((2.0, 0.5, 50.0))


def test_a_tiny_workload_from_end_to_end(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(roofline, "WORKLOADS", {"tiny": Workload("tiny", "", "dcgan", "mnist", 4, {"width": 8})})
    monkeypatch.setattr(roofline, "SIDE", 16)
    monkeypatch.setattr(roofline, "COPIED", 1024)
    monkeypatch.setattr(roofline, "keep_freed_memory", lambda: None)  # which would outlive the test
    monkeypatch.setattr(roofline, "facts", lambda device, effort: {})
    monkeypatch.setattr(roofline, "interleaved", lambda calls, effort, device: {name: [0.5] * 3 for name in calls})
    written = tmp_path / "roofline.md"
    monkeypatch.setattr(
        sys, "argv", ["roofline.py", "tiny", "--device", "cpu", "--rounds", "3", "--markdown", str(written)]
    )
    roofline.main()
    lines = written.read_text("utf-8").splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:4]] == ["float32", "bfloat16"]
    assert lines[2].count("**") == 2, "the largest floor alone is marked"
    assert lines[-1].startswith("Measured in the same rounds: ")
    assert capsys.readouterr().out.strip() == written.read_text("utf-8").strip()
