"""What `zoo doctor` tells about the native core: how it was built, and whether it is right on this very machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.ops import library, reference
from zoo.ops.table import DEVICES, TABLE
from zoo.system.native import does_not_load, host_module
from zoo.system.processor import bfloat16_instructions


class CheckRow(NamedTuple):
    """One native op in one dtype against its reference in float64."""

    op: str
    """Its name; its derivatives are counted in."""
    device: str
    """cpu or cuda."""
    dtype: str
    """Of the storage: float64, float32, bfloat16 or float16."""
    max_error: float
    """The largest difference from float64, relative to the largest value of each result."""
    ok: bool
    """Whether that is a few units in the last place of the storage, or less."""


# Largest accepted error, relative to the largest value of each result: a few units in the last place of the storage.
_TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}


def build_info() -> dict[str, Any]:
    """How the native core was built and what it uses here; only a "reason" when nothing was built.

    Keys: compiler, instruction_sets (compiled), instruction_set (chosen at run time), cuda_architectures, torch (built
    with), batch_assembly (who gathers the images of a batch, and why), bfloat16 (the processor's instructions for it),
    bfloat16_convolutions (on a CPU), and
    whatever else setup.py recorded.
    """
    record = library.build_record()
    if "reason" in record:
        return record
    try:
        host, why = host_module()
    except ImportError as error:
        record["batch_assembly"] = f"error: {does_not_load('zoo._host', error)}"
    else:
        record["batch_assembly"] = f"{'reference' if host is None else 'native'}: {why}"
        if host is not None:
            record.update(host.cpu_facts())
    fast = bfloat16_instructions()
    if fast is not None:
        record["bfloat16"] = fast or "no fast instructions for it here: float32 is faster"
    record["bfloat16_convolutions"] = "by AMX, zoo's own" if library.has_amx() else "torch's"
    chosen = library.instruction_set()
    if chosen:
        asked = os.environ.get("ZOO_CPU", "")
        known = asked in ("", chosen)
        record["instruction_set"] = chosen if known else f"{chosen} (ZOO_CPU={asked} is not among what works here)"
        tiles, asked = library.winograd_tiles(), os.environ.get("ZOO_WINOGRAD", "")
        record["winograd"] = (
            tiles if asked in ("", tiles) else f"{tiles} (ZOO_WINOGRAD={asked} is neither small nor large)"
        )
    return record


def check() -> list[CheckRow]:
    """Runs every native op, forward and backward, against its reference in float64. No rows where nothing is native."""
    return [
        _row(op, device, dtype)
        for device in DEVICES
        for op, facts in TABLE.items()
        if library.native(op, device)
        for dtype in _TOLERANCES
        if dtype in facts.dtypes
    ]


def _row(op: str, device: str, dtype: torch.dtype) -> CheckRow:
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    ways = library.implementation(op)
    functions = (ways.public, getattr(reference, op))
    error = max(_error(functions, call, inputs, dtype, device) for call, inputs in ways.samples(normal))
    return CheckRow(op, device, str(dtype).removeprefix("torch."), error, error <= _TOLERANCES[dtype])


def _error(functions: Any, call: Callable[..., Any], inputs: list[Tensor], dtype: torch.dtype, device: str) -> float:
    """The largest error over result and gradients, each relative to its own largest value."""
    rounded = [t.to(device, dtype) for t in inputs]
    results = []
    for function, precision in zip(functions, (dtype, torch.float64), strict=True):
        leaves = [t.to(precision).detach().requires_grad_() for t in rounded]
        y = call(function, leaves)
        gradient = torch.linspace(-1, 1, y.numel(), device=device).to(dtype).to(y.dtype).view(y.shape)
        results.append([y.detach(), *torch.autograd.grad(y, leaves, gradient if y.dim() else torch.ones_like(y))])
    return max(
        float((ours.double() - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))
        for ours, theirs in zip(*results, strict=True)
    )
