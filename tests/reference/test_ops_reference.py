"""Every op against the stored outputs, whatever serves it: values, running statistics, first and second derivatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracle import store

from zoo import ops

ARRAYS, CASES = store.load(Path(__file__).with_name("ops.npz"))
TOLERANCES = {torch.float64: 2e-13, torch.float32: 1e-5}
SECOND = {torch.float64: 2e-12, torch.float32: 1e-4}  # a batch of two divides by differences, three times over

DTYPES = pytest.mark.parametrize("dtype", [*TOLERANCES], ids=["float64", "float32"])


def of(op: str) -> Any:
    return pytest.mark.parametrize("case", [name for name, notes in CASES.items() if notes["op"] == op])


def of_images_too(op: str) -> Any:
    """Images in both layouts; rows have only one."""
    cases = [name for name, notes in CASES.items() if notes["op"] == op]
    both = [(name, last) for name in cases for last in (False, True)[: ARRAYS[f"{name}/in/x"].ndim // 2]]
    ids = [f"{name} channels_last" if last else name for name, last in both]
    return pytest.mark.parametrize(("case", "channels_last"), both, ids=ids)


def side(case: str, which: str) -> dict[str, np.ndarray]:
    start = f"{case}/{which}/"
    return {name.removeprefix(start): array for name, array in ARRAYS.items() if name.startswith(start)}


def inputs_of(case: str, dtype: torch.dtype, channels_last: bool = False) -> dict[str, torch.Tensor]:
    found = {name: torch.from_numpy(array.copy()).to(dtype) for name, array in side(case, "in").items()}
    for name in {"x", "dy"} & {*found}:
        if channels_last:
            found[name] = found[name].contiguous(memory_format=torch.channels_last)
    for name, tensor in found.items():
        tensor.requires_grad_(not name.startswith("running"))
    return found


def agree(case: str, ours: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    expected = side(case, "out")
    assert {*ours} == {*expected}
    for name, array in expected.items():
        assert ours[name].shape == array.shape, name
        tolerance = SECOND[dtype] if name.startswith("dd ") else TOLERANCES[dtype]
        if name == "statistics":
            tolerance = 1e-6  # float32 in both
        limit = tolerance * CASES[case]["condition"] * max(1.0, np.abs(array).max())
        assert np.abs(ours[name].detach().double().numpy() - array).max() <= limit, name


def derivatives(
    case: str, result: torch.Tensor, inputs: dict[str, torch.Tensor], upstream: torch.Tensor | None = None
) -> dict[str, torch.Tensor]:
    """`d NAME`, and `dd NAME` where they are stored: the gradients of half the sum of the squares of the first."""
    names = [name for name, tensor in inputs.items() if tensor.requires_grad and tensor is not upstream]
    twice = any(name.startswith("dd ") for name in side(case, "out"))
    first = torch.autograd.grad(result, [inputs[name] for name in names], upstream, create_graph=twice)
    found = {f"d {name}": gradient for name, gradient in zip(names, first, strict=True)}
    if twice:
        penalty = sum(gradient.square().sum() for gradient in first) / 2
        names = [name for name, tensor in inputs.items() if tensor.requires_grad]
        if not penalty.requires_grad:  # constant gradients, those of a Wasserstein loss
            return found | {f"dd {name}": torch.zeros_like(inputs[name]) for name in names}
        second = torch.autograd.grad(penalty, [inputs[name] for name in names], materialize_grads=True)
        found |= {f"dd {name}": gradient for name, gradient in zip(names, second, strict=True)}
    return found


@pytest.mark.usefixtures("_served")
@DTYPES
@of_images_too("batch_norm_act")
def test_batch_norm_act_gives_the_stored_numbers(case: str, dtype: torch.dtype, channels_last: bool) -> None:
    given = inputs_of(case, dtype, channels_last)
    names = ("x", "weight", "bias", "running_mean", "running_var")
    y = ops.batch_norm_act(*map(given.get, names), **CASES[case]["arguments"])
    kept = {name: given[name] for name in names[3:] if name in given}
    agree(case, {"y": y} | kept | derivatives(case, y, given, given["dy"]), dtype)


@pytest.mark.usefixtures("_served")
@DTYPES
@of_images_too("bias_act")
def test_bias_act_gives_the_stored_numbers(case: str, dtype: torch.dtype, channels_last: bool) -> None:
    given = inputs_of(case, dtype, channels_last)
    y = ops.bias_act(given["x"], given.get("bias"), **CASES[case]["arguments"])
    agree(case, {"y": y} | derivatives(case, y, given, given["dy"]), dtype)


@pytest.mark.usefixtures("_served")
@DTYPES
@of("discriminator_loss")
def test_discriminator_loss_gives_the_stored_numbers(case: str, dtype: torch.dtype) -> None:
    given = inputs_of(case, dtype)
    loss, statistics = ops.discriminator_loss(given["real_logits"], given["fake_logits"], **CASES[case]["arguments"])
    agree(case, {"loss": loss, "statistics": statistics} | derivatives(case, loss, given), dtype)


@pytest.mark.usefixtures("_served")
@DTYPES
@of("generator_loss")
def test_generator_loss_gives_the_stored_numbers(case: str, dtype: torch.dtype) -> None:
    given = inputs_of(case, dtype)
    loss, statistics = ops.generator_loss(given["fake_logits"], **CASES[case]["arguments"])
    agree(case, {"loss": loss, "statistics": statistics} | derivatives(case, loss, given), dtype)
