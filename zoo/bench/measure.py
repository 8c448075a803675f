"""How it is measured: in interleaved rounds, in one process; memory and dispatched ops from the profiler."""

from __future__ import annotations

import gc
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from zoo.engine.runtime.device import synchronize

Call = Callable[[], object]
Times = dict[str, list[float]]


@dataclass(frozen=True)
class Effort:
    """How much to measure: rounds of at least `seconds` for every contender."""

    rounds: int = 41
    seconds: float = 0.004
    warm_up: float = 0.05

    @classmethod
    def quick(cls) -> Effort:
        """Enough to see that it works."""
        return cls(rounds=3, seconds=0.0002, warm_up=0.0)


def interleaved(calls: Mapping[str, Call], effort: Effort, device: torch.device) -> Times:
    """Seconds per call of each contender, one number per round; rounds go A B C A B C, so that drift hits all alike.

    The garbage collector rests meanwhile. A contender too quick for the clock is called several times in its turn.
    """
    repeats = {name: _repeats(call, effort, device) for name, call in calls.items()}
    times: Times = {name: [] for name in calls}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(effort.rounds):
            for name, call in calls.items():
                times[name].append(_seconds(call, repeats[name], device))
    finally:
        if collecting:
            gc.enable()
    return times


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def ratio(times: Times, name: str, ours: str = "ours") -> float:
    """How many times as long as ours `name` takes: the median over the rounds of the ratio within each round."""
    return statistics.median(other / own for other, own in zip(times[name], times[ours], strict=True))


def copying(x: torch.Tensor) -> Call:
    """A copy between two tensors like x, which already lie in memory: one read and one write."""
    source, target = x.detach(), torch.empty_like(x).copy_(x.detach())
    return lambda: target.copy_(source)


@dataclass(frozen=True)
class Footprint:
    """What one call needs beside its time.

    `peak_bytes`: the most that torch's allocator had handed out at one moment, over what there was before. `dispatched`:
    ops that went through torch's dispatcher, those that other ops call included.
    """

    peak_bytes: int
    dispatched: int


def footprint(call: Call, device: torch.device) -> Footprint:
    """Runs the call once more, under the profiler."""
    call()
    synchronize(device)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        call()
        synchronize(device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        events = json.loads(path.read_text("utf-8"))["traceEvents"]
    dispatched = sum(event.get("cat") == "cpu_op" and _is_op(event["name"]) for event in events)
    if device.type == "cuda":
        return Footprint(_peak_on_gpu(call, device), dispatched)
    held = peak = 0
    for event in sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"]):
        held += event["args"]["Bytes"]
        peak = max(peak, held)
    return Footprint(peak, dispatched)


def _is_op(name: str) -> bool:
    """Whether an event of the profiler is an op, namespace::name, rather than a node of the graph."""
    namespace, colons, _ = name.partition("::")
    return bool(colons) and namespace.isidentifier() and namespace not in ("autograd", "torch")


def _peak_on_gpu(call: Call, device: torch.device) -> int:
    gc.collect()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _seconds(call: Call, repeats: int, device: torch.device) -> float:
    synchronize(device)
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    synchronize(device)
    return (time.perf_counter() - began) / repeats


def _repeats(call: Call, effort: Effort, device: torch.device) -> int:
    """Warms up, and counts the calls that fill the least time of a turn."""
    call()  # what happens once only: compilation, first allocations
    best = _seconds(call, 1, device)
    until = time.perf_counter() + effort.warm_up
    while time.perf_counter() < until:
        best = min(best, _seconds(call, 1, device))
    return max(1, math.ceil(effort.seconds / max(best, 1e-9)))
