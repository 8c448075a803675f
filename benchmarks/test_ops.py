"""Every op, forward and forward+backward, against eager PyTorch and torch.compile."""

from __future__ import annotations

import pytest

from zoo.bench.contenders import build
from zoo.bench.sidebyside import row
from zoo.bench.workloads import DIRECTIONS


@pytest.fixture(scope="session", params=DIRECTIONS)
def measured(request, workload, device, effort, quick):
    return row(workload, build(workload, device), request.param, device, effort, compile_=not quick)


@pytest.mark.parametrize("contender", ["ours", "eager", "eager, loss alone", "compile", "copy"])
def test_op(measured, contender, report):
    w = measured.workload
    footprint = measured.footprints.get(contender)
    facts = {"peak_bytes": footprint.peak_bytes, "dispatched_ops": footprint.dispatched} if footprint else {}
    if contender == "ours":
        facts["share_of_copy_bandwidth"] = measured.bandwidth
    report(measured, contender, f"{w.op} {w.size} {w.what}, {measured.direction}", **facts)
