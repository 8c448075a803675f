"""What `zoo doctor` tells about the native core: how it was built, and whether it is right on this very machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.ops import codes, library, reference
from zoo.ops.convolution_rule import KERNELS
from zoo.system.native import does_not_load, host_module


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

_CONVOLUTIONS = ("conv2d", "conv_transpose2d")  # float32 alone; torch computes the others


def build_info() -> dict[str, Any]:
    """How the native core was built and what it uses here; only a "reason" when nothing was built.

    Keys: compiler, instruction_sets (compiled), instruction_set (chosen at run time), cuda_architectures, torch (built
    with), batch_assembly (who gathers the images of a batch, and why), and whatever else setup.py recorded.
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
    chosen = library.instruction_set()
    if chosen:
        asked = os.environ.get("ZOO_CPU", "")
        known = asked in ("", chosen)
        record["instruction_set"] = chosen if known else f"{chosen} (ZOO_CPU={asked} is not among what works here)"
    return record


def check() -> list[CheckRow]:
    """Runs every native op, forward and backward, against its reference in float64. No rows where nothing is native."""
    rows = []
    for device in library.DEVICES:
        for family in library.FAMILIES:
            if library.native(family, device):
                for dtype in (torch.float32,) if family in (*_CONVOLUTIONS, "linear") else _TOLERANCES:
                    error = max(_error(call, inputs, dtype, device) for call, inputs in _cases(family))
                    name = str(dtype).removeprefix("torch.")
                    rows.append(CheckRow(family, device, name, error, error <= _TOLERANCES[dtype]))
    return rows


Call = Callable[[Any, list[Tensor]], Any]  # runs with any module that has the ops


def _batch_norm_act(activation: str, order: str) -> Call:
    def call(ops: Any, t: list[Tensor]) -> Any:
        running = (torch.zeros_like(t[1].detach()), torch.ones_like(t[1].detach()))
        return ops.batch_norm_act(*t, *running, True, 0.1, 1e-5, activation, 0.2, order, 2)

    return call


def _bias_act(activation: str) -> Call:
    return lambda ops, t: ops.bias_act(*t, activation, 0.2)


def _linear(ops: Any, t: list[Tensor]) -> Any:
    return ops.linear(*t)


def _convolution(family: str, stride: int) -> Call:
    return lambda ops, t: getattr(ops, family)(*t, stride, 1)


def _loss(family: str, kind: str) -> Call:
    return lambda ops, t: getattr(ops, family)(*t, kind).loss


def _cases(family: str) -> Iterator[tuple[Call, list[Tensor]]]:
    """Calls of a family and their inputs."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    image = normal(8, 19, 7, 5)
    layouts = (normal(12, 37), image, image.contiguous(memory_format=torch.channels_last))
    if family == "batch_norm_act":
        for x, activation, order in product(layouts, codes.ACTIVATION_NAMES, codes.ORDER_NAMES):
            yield _batch_norm_act(activation, order), [x, 1 + 0.1 * normal(x.shape[1]), normal(x.shape[1])]
    elif family == "bias_act":
        for x, activation in product(layouts, codes.ACTIVATION_NAMES):
            yield _bias_act(activation), [x, normal(x.shape[1])]
    elif family == "linear":
        for rows in (64, 65):  # large enough for the kernel to be taken
            yield _linear, [normal(rows, 129), 0.1 * normal(192, 129)]
            yield _linear, [normal(rows, 192), 0.1 * normal(129, 192)]
    elif family in _CONVOLUTIONS:
        x = normal(8, 32, 12, 16).contiguous(memory_format=torch.channels_last)
        for kernel, stride in KERNELS:
            yield _convolution(family, stride), [x, 0.1 * normal(32, 32, kernel, kernel)]
    else:
        logits = [normal(65), normal(33)] if family == "discriminator_loss" else [normal(65)]
        for kind in codes.LOSS_KIND_NAMES:
            yield _loss(family, kind), logits


def _error(call: Call, inputs: list[Tensor], dtype: torch.dtype, device: str) -> float:
    """The largest error over result and gradients, each relative to its own largest value."""
    import zoo.ops  # here, because the package imports this file

    rounded = [t.to(device, dtype) for t in inputs]
    results = []
    for ops, precision in ((zoo.ops, dtype), (reference, torch.float64)):
        leaves = [t.to(precision).detach().requires_grad_() for t in rounded]
        y = call(ops, leaves)
        gradient = torch.linspace(-1, 1, y.numel(), device=device).to(dtype).to(y.dtype).view(y.shape)
        results.append([y.detach(), *torch.autograd.grad(y, leaves, gradient if y.dim() else torch.ones_like(y))])
    return max(
        float((ours.double() - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))
        for ours, theirs in zip(*results, strict=True)
    )
