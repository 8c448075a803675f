"""Tests of the CUDA kernels: each skips, and says why, where there is no CUDA device or no CUDA library."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ops"))  # op_cases, which both folders share


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).resolve().parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cuda)


@pytest.fixture(autouse=True)
def _device_and_library() -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch.cuda.is_available() is False: no CUDA device, or an edition of torch without CUDA")
    from zoo.ops import library

    for family, devices in library.status().items():
        if devices["cuda"]["served_by"] != "native":
            pytest.skip(f"{family} has no CUDA kernel here: {devices['cuda']['why']}")


@pytest.fixture(params=["", "block", "cooperative", "split"], ids=["chosen", "block", "cooperative", "split"])
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way to launch batch normalisation, so that small tensors reach the code of large ones (csrc/cuda/plan.h)."""
    monkeypatch.setenv("ZOO_CUDA_PLAN", request.param)
    return str(request.param)
