"""Tests of the CUDA kernels: each skips, and says why, where there is no CUDA device or an op that it is about has no kernel.

Only ops that are to have a CUDA kernel count (`zoo.ops.table`). ``pytestmark = pytest.mark.ops("bias_act")`` says what the
tests of a file are about; without it, it is all of them. Under ``make test-cuda`` nothing may skip for such a reason, and a
session in which no test of a kernel has run has failed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

REQUIRED = bool(os.environ.get("ZOO_TEST_CUDA"))
"""Set by the Makefile."""
passed: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ops(*names): the ops that a test of CUDA kernels is about")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).resolve().parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cuda)


@pytest.fixture(autouse=True)
def _device_and_library(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("ops")
    reason = obstacle(None if marker is None else marker.args)
    if reason is not None:
        (pytest.fail if REQUIRED else pytest.skip)(reason)


def obstacle(names: tuple[str, ...] | None) -> str | None:
    """Why tests of these ops cannot run here; None if they can."""
    if not torch.cuda.is_available():
        return "torch.cuda.is_available() is False: no CUDA device, or an edition of torch without CUDA"
    from zoo.ops.library import not_served
    from zoo.ops.table import TABLE

    torch.cuda.init()  # when the library is given up, where this GPU cannot run it

    for name in TABLE if names is None else names:
        assert name in TABLE, f"no op is called {name!r}; known: {', '.join(TABLE)}"
    missing = {name: why for name, why in not_served("cuda").items() if names is None or name in names}
    return "; ".join(f"{name} is not served by a CUDA kernel here: {why}" for name, why in missing.items()) or None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        passed.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if REQUIRED and not passed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if REQUIRED and not passed:
        terminalreporter.write_line("no test of a CUDA kernel has passed, and ZOO_TEST_CUDA asks for them", red=True)


@pytest.fixture(params=["", "block", "cooperative", "split"], ids=["chosen", "block", "cooperative", "split"])
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way to launch batch normalisation, so that small tensors reach the code of large ones (csrc/cuda/launch/plan.h)."""
    monkeypatch.setenv("ZOO_CUDA_PLAN", request.param)
    return str(request.param)
