"""What a training step costs at least on this machine, beside what it takes: python benchmarks/roofline.py [WORKLOAD …]
    [--device cpu] [--rounds 15] [--json FILE] [--markdown FILE]

For each workload and precision three estimates (the first two are the roofline of Williams, Waterman & Patterson 2009,
https://doi.org/10.1145/1498765.1498785), all by rates that are measured in the same rounds:

- arithmetic: multiplications and additions of products and convolutions, counted by their definitions, at the rate of a large
  matrix product of that precision. Winograd's convolutions take fewer, so a step may lie below it.
- memory: bytes that the step's ops read and write, each op its inputs and outputs once, at the rate of a large copy. What a
  cache still holds costs less; ops that are fused move less, which is why they are.
- launches: the step's ops at the time of one that has nothing to do, autograd's part in it included.

The largest of the three is what the step would take if it did nothing but that at this machine's best; its time in multiples of it
says how much there is to win, and which of the three says where. OMP_NUM_THREADS says how many threads are taken. On a GPU
float32 means TF32 in the product too, as torch has it for convolutions.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from contextlib import closing
from typing import Any

import torch
from command import at_least, device, new_file, one_of, say, write
from peers.table import line, number
from peers.torch_side import Bench
from peers.workloads import WORKLOADS, Workload
from steps import operations
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zoo.bench.machine import facts
from zoo.bench.measure import Effort, Times, copying, interleaved, median
from zoo.engine.runtime.device import determinism
from zoo.engine.runtime.memory import keep_freed_memory

SIDE = {"cpu": 2048, "mps": 2048, "cuda": 8192}
"""Of the matrices of the product: large enough that reading its operands does not count."""
COPIED = 64 << 20
"""float32 numbers of the copy, 256 MiB: more than any cache holds."""
CHAIN = 200
"""Ops that have nothing to do, one after another."""
PRECISIONS = {"float32": "zoo", "bfloat16": "zoo, bfloat16"}
"""Contenders of steps.py."""


class Traffic(TorchDispatchMode):
    """Counts the ops that run within it, and the bytes that they read and write. Views and allocations move none."""

    def __init__(self) -> None:
        super().__init__()
        self.ops = self.bytes = 0

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = op(*args, **kwargs)
        name = op.__name__.partition(".")[0]
        if op.is_view or op.namespace == "profiler" or "empty" in name or name == "_unsafe_view":
            return result
        self.ops += 1
        arguments = [each for each in op._schema.arguments if each.name not in READ_ONLY.get(name, ())]
        written = {each.name for each in arguments if each.alias_info is not None and each.alias_info.is_write}
        given = dict(zip((each.name for each in op._schema.arguments), args, strict=False)) | kwargs
        overwrites = name in OVERWRITING
        for argument, value in given.items():
            read = not (overwrites and argument in written) and not name.endswith("_like")
            self.bytes += size_of(value) * (read + (argument in written))
        results = result if isinstance(result, tuple) else (result,)
        new = [each.alias_info is None for each in op._schema.returns]
        self.bytes += sum(size_of(value) for value, is_new in zip(results, new, strict=False) if is_new)
        return result


OVERWRITING = ("copy_", "zero_", "fill_", "normal_", "uniform_", "random_", "bernoulli_")
"""Ops that do not read what they write over."""
READ_ONLY = {"_fused_adam_": ("grads",)}
"""Arguments that an op may write by its schema, and does not here."""


def size_of(value: Any) -> int:
    """Bytes of the tensors in it, as they lie in memory: an expanded dimension repeats what is there once."""
    return sum(
        math.prod(size for size, stride in zip(leaf.shape, leaf.stride(), strict=True) if stride) * leaf.element_size()
        for leaf in tree_leaves(value)
        if isinstance(leaf, Tensor)
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    workload = one_of("workload", WORKLOADS)
    arguments.add_argument(
        "workloads", nargs="*", type=workload, metavar="WORKLOAD", help=f"by default all: {', '.join(WORKLOADS)}"
    )
    arguments.add_argument("--rounds", type=at_least(3), default=15, help="at least 3")
    arguments.add_argument("--device", type=device, default="auto", help="auto, cpu, mps, cuda or cuda:N")
    arguments.add_argument("--json", type=new_file)
    arguments.add_argument("--markdown", type=new_file)
    given = arguments.parse_args()
    keep_freed_memory()
    effort = Effort(rounds=given.rounds, seconds=0.05, warm_up=0.0)
    report: dict[str, Any] = {"schema": 1, "machine": facts(given.device, effort), "rows": []}
    for name in given.workloads or list(WORKLOADS):
        say(f"{name}: counting, then {effort.rounds} rounds")
        report["rows"] += measure(WORKLOADS[name], given.device, effort)
        print(table(report["rows"][-len(PRECISIONS) :]), end="\n\n", flush=True)
        if given.json:
            write(given.json, json.dumps(report, indent=1))
    if given.markdown:
        write(given.markdown, table(report["rows"]))


def measure(workload: Workload, device: torch.device, effort: Effort) -> list[dict[str, Any]]:
    """A row for each precision."""
    with closing(Bench(workload, device)) as bench, determinism(False):  # cuDNN tries its algorithms, as in a training
        steps = {precision: bench.make(contender) for precision, contender in PRECISIONS.items()}
        counted = {precision: traffic(step) for precision, step in steps.items()}
        times = interleaved({**steps, **peaks(device)}, effort, device)
        flops = operations(bench)
    return [
        {"workload": workload.name, "precision": precision, "step": median(times[precision])}
        | {"flops": flops, "bytes": counted[precision].bytes, "ops": counted[precision].ops}
        | bounds(flops, counted[precision], precision, SIDE[device.type], times)
        for precision in PRECISIONS
    ]


def peaks(device: torch.device) -> dict[str, Callable[[], object]]:
    """What gives this machine's rates: a product in each precision, a copy, a chain of ops with nothing to do."""
    side = SIDE[device.type]
    matrices = {name: torch.randn(side, side, device=device).to(getattr(torch, name)) for name in PRECISIONS}
    start = torch.ones(1, device=device, requires_grad=True)

    def chain() -> None:
        x = start
        for _ in range(CHAIN):
            x = x * 1.0
        torch.autograd.grad(x, start)

    def product(a: Tensor) -> Tensor:
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
        try:
            return a @ a
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before

    products = {f"product, {name}": (lambda a=a: product(a)) for name, a in matrices.items()}
    return {**products, "copy": copying(torch.ones(COPIED, device=device)), "chain": chain}


def traffic(step: Callable[[], object]) -> Traffic:
    """Of one step, after one that has made what is made once."""
    step()
    with Traffic() as found:
        step()
    return found


def bounds(flops: int, counted: Traffic, precision: str, side: int, times: Times) -> dict[str, float]:
    """Seconds of arithmetic, memory and launches, and the rates by which."""
    rate = 2 * side**3 / median(times[f"product, {precision}"])
    bandwidth = 2 * COPIED * 4 / median(times["copy"])
    return {
        "arithmetic": flops / rate,
        "memory": counted.bytes / bandwidth,
        "launches": counted.ops * median(times["chain"]) / (2 * CHAIN),
        "rate": rate,
        "bandwidth": bandwidth,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Milliseconds, as Markdown."""
    heads = ["", "precision", "arithmetic", "memory", "launches", "a step takes", "times the largest"]
    lines = [line(heads), "|---|---|" + "--:|" * 5]
    for row in rows:
        parts = {name: row[name] for name in ("arithmetic", "memory", "launches")}
        largest = max(parts.values())
        cells = [f"**{number(value * 1e3)}**" if value == largest else number(value * 1e3) for value in parts.values()]
        times = f"{row['step'] / largest:.2f}"
        lines.append(line([row["workload"], row["precision"], *cells, f"{number(row['step'] * 1e3)} ms", times]))
    measured = [
        f"- {row['workload']}, {row['precision']}: {row['rate'] / 1e9:.0f} GFLOP/s, {row['bandwidth'] / 1e9:.1f} GB/s; "
        f"{row['flops'] / 1e9:.3g} GFLOP, {row['bytes'] / 1e6:.3g} MB, {row['ops']} ops in a step"
        for row in rows
    ]
    return "\n".join([*lines, "", "Rates of the same rounds, and what a step has:", "", *measured])


if __name__ == "__main__":
    main()
