"""The program that says what a step costs at least: what it counts, and what it makes of that."""

from __future__ import annotations

import sys

import pytest
import roofline
import torch
from peers.workloads import Workload

from zoo import ops


def counted(work):
    with roofline.Traffic() as found:
        work()
    return found.ops, found.bytes


def test_an_op_reads_its_inputs_and_writes_its_outputs():
    x, y = torch.ones(256), torch.ones(256)
    assert counted(lambda: x + y) == (1, 3 * 1024)
    assert counted(lambda: x.add_(y)) == (1, 3 * 1024), "in place: read and written"
    assert counted(lambda: torch._foreach_add_([x, y], 1.0)) == (1, 4 * 1024)


def test_what_is_written_over_is_not_read():
    x, y = torch.ones(256), torch.ones(256)
    assert counted(lambda: x.copy_(y)) == (1, 2 * 1024)
    assert counted(lambda: x.zero_()) == (1, 1024)
    assert counted(lambda: torch.zeros_like(x)) == (1, 1024)


def test_what_an_op_makes_counts_beside_what_it_changes():
    x, running = torch.randn(8, 16, 8, 8), [torch.zeros(16), torch.ones(16)]
    _, moved = counted(lambda: ops.batch_norm_act(x, None, None, *running, training=True))
    assert moved >= 2 * x.nbytes


def test_an_expanded_tensor_is_as_large_as_its_memory():
    x = torch.ones(1).expand(256)
    assert roofline.size_of([x]) == 4


def test_views_and_allocations_move_nothing():
    x = torch.ones(16, 16)
    assert counted(lambda: x.t().view(16, 16)[1:]) == (0, 0)
    assert counted(lambda: torch.empty(16)) == (0, 0)


def test_what_is_done_backwards_counts():
    x = torch.ones(256, requires_grad=True)
    number, moved = counted(lambda: torch.autograd.grad((x * 2.0).sum(), x))
    assert number >= 3
    assert moved >= 4 * 1024


def test_times_are_counts_by_rates():
    found = roofline.Traffic()
    found.ops, found.bytes, side = 50, 8 * roofline.COPIED, 2048
    times = {"product, float32": [1.0] * 3, "copy": [0.5] * 3, "chain": [2.0 * roofline.CHAIN] * 3}
    bounds = roofline.bounds(4 * side**3, found, "float32", side, times)
    assert (bounds["arithmetic"], bounds["memory"], bounds["launches"]) == pytest.approx((2.0, 0.5, 50.0))


def test_a_tiny_workload_from_end_to_end(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(roofline, "WORKLOADS", {"tiny": Workload("tiny", "", "dcgan", "mnist", 4, {"width": 8})})
    monkeypatch.setitem(roofline.SIDE, "cpu", 16)
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
    assert lines[2].count("**") == 2, "the largest alone is marked"
    assert lines[-1].startswith("- tiny, bfloat16: ")
    assert capsys.readouterr().out.strip() == written.read_text("utf-8").strip()
