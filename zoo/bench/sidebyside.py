"""An op against eager PyTorch and torch.compile: one row per workload and direction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from zoo import ops
from zoo.bench.contenders import Call, Case, build, parameters
from zoo.bench.measure import Effort, Footprint, Times, copying, footprint, interleaved, median, ratio
from zoo.bench.workloads import DIRECTIONS, PASSES, Direction, Workload
from zoo.system import compiling

SERVED_AS = {"conv2d_act": "bias_act", "conv_transpose2d_act": "bias_act", "linear_act": "bias_act"}
"""Layers, and the op they contain."""

TENSORS: dict[Direction, int] = {"forward": 1, "forward+backward": 2}
"""Tensors like x that the copy copies: x to y; x and dy to y and dx."""


@dataclass(frozen=True)
class Row:
    """One measured workload. Contenders: ours, eager, "eager, loss alone", compile, copy.

    `seconds`: medians per call. `ratios`: medians of the time in a round over ours in the same round, above 1 where ours
    is the faster. `rounds`: every round's seconds. `bandwidth`: share of the copy's bandwidth that ours reaches, counting
    the passes it cannot do without; None where that says nothing. The copy touches as much memory as the op: one tensor
    like x to another for the forward, twice as much with the backward. `absent`: contenders that could not be measured,
    and why.
    """

    workload: Workload
    direction: Direction
    device: str
    served_by: str
    rounds: Times
    footprints: dict[str, Footprint]
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        return {name: median(times) for name, times in self.rounds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        return {name: ratio(self.rounds, name) for name in self.rounds if name not in ("ours", "copy")}

    @property
    def bandwidth(self) -> float | None:
        passes = PASSES.get(self.workload.op)
        if passes is None or "copy" not in self.rounds:
            return None
        return passes[self.direction] / (2 * TENSORS[self.direction]) * ratio(self.rounds, "copy")


def rows(workload: Workload, device: torch.device, effort: Effort, compile_: bool = True) -> Iterator[Row]:
    """Measures a workload, forward and then forward and backward."""
    case = build(workload, device)
    for direction in DIRECTIONS:
        yield row(workload, case, direction, device, effort, compile_)


def row(
    workload: Workload, case: Case, direction: Direction, device: torch.device, effort: Effort, compile_: bool = True
) -> Row:
    """Measures one direction of a workload."""
    grad = direction != "forward"
    calls: dict[str, Call] = {name: case.call(function, direction) for name, function in case.functions.items()}
    absent = {}
    with torch.set_grad_enabled(grad):
        if not compile_:
            absent["compile"] = "torch.compile was not asked for"
        elif reason := compiling.obstacle():
            absent["compile"] = reason
        else:
            try:
                plain = case.to_compile or case.functions["eager"]
                call = case.call(compiling.compiled(plain), direction, parameters(plain))
                call()
                calls["compile"] = call
            except Exception as error:  # whatever the compiler's trouble is, the others can be measured
                absent["compile"] = compiling.reason(error)
        if workload.op in PASSES:
            calls["copy"] = copying(torch.cat([case.inputs[0]] * TENSORS[direction]))
        times = interleaved(calls, effort, device)
        footprints = {name: footprint(call, device) for name, call in calls.items() if name != "copy"}
    served = ops.status()[SERVED_AS.get(workload.op, workload.op)]
    by = served.get(device.type, {"served_by": "reference"})["served_by"]
    return Row(workload, direction, str(device), by, times, footprints, absent)
