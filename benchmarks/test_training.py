"""The default DCGAN's training step, and the assembling of its batches."""

from __future__ import annotations

import pytest

from zoo.bench.training import batch_assembly, training_step


@pytest.fixture(scope="session", params=[{}, {"r1": 0.0}], ids=["default", "without penalty"])
def step(request, device, effort, quick):
    tiny = {"width": 2, "latent": 4, "batch_size": 8} if quick else {}
    return training_step(device, effort, not quick, **tiny, **request.param)


@pytest.mark.parametrize("contender", ["ours", "reference", "eager", "compile"])
def test_training_step(step, contender, report):
    report(step, contender, f"training step of {step.name} {step.what}, batch {step.batch_size}")


@pytest.fixture(scope="session", params=[(64, 28, 1), (128, 64, 3)], ids=["64x1x28x28", "128x3x64x64"])
def assembled(request, effort):
    return {row.layout: row for row in batch_assembly(effort, *request.param)}


@pytest.mark.parametrize("contender", ["ours", "reference"])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
def test_batch_assembly(assembled, layout, contender, report):
    row = assembled[layout]
    report(row, contender, f"batch assembly {'×'.join(map(str, row.shape))}, {layout}")
