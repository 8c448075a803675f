"""Whole training steps, side by side: python benchmarks/steps.py [WORKLOAD …] [--rounds 15] [--json FILE] [--markdown FILE]

In one run, in turn: zoo (with its native ops, and on their references), the loop of the official PyTorch DCGAN example with the
same networks of torch.nn (as published; lean, that is channels last and without unused gradients; each of them compiled), Keras on
TensorFlow in graph mode where it is installed (--keras PYTHON names another interpreter that has it), and large matrix products,
which are as fast as arithmetic gets on this machine. All of them train: the same weights and data to begin
with, Adam, both updates. Before anything is timed, ten steps of zoo and of the published loop are played and their losses compared.

Times are medians over interleaved rounds, one step in each; ratios are medians of the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import torch
from peers import keras_side, torch_side
from peers.torch_side import Bench
from peers.workloads import WORKLOADS, Workload
from torch.utils.flop_counter import FlopCounterMode

from zoo import compiling, ops
from zoo.bench.machine import facts
from zoo.bench.measure import Effort, interleaved, median, ratio
from zoo.engine.device import choose_device
from zoo.engine.memory import keep_freed_memory

CONTENDERS = (*torch_side.CONTENDERS, *keras_side.WAYS)
STEPS = 10
SIDE = 2048
"""Rows and columns of the matrices that tell how fast arithmetic can be."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"by default all: {', '.join(WORKLOADS)}")
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--without", nargs="*", default=[], metavar="CONTENDER", help=f"of: {', '.join(CONTENDERS)}")
    arguments.add_argument(
        "--keras", metavar="PYTHON", default=sys.executable, help="an interpreter that has Keras 3 and TensorFlow"
    )
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--markdown", type=Path)
    given = arguments.parse_args()
    for name in given.workloads:
        if name not in WORKLOADS:
            arguments.error(f"unknown workload {name!r}; known: {', '.join(WORKLOADS)}")
    keep_freed_memory()
    device = choose_device(given.device)
    effort = Effort(rounds=given.rounds, seconds=0.0, warm_up=0.0)
    report = {"machine": facts(device, effort), "rows": []}
    for name in given.workloads or WORKLOADS:
        report["rows"].append(measure(WORKLOADS[name], device, effort, set(given.without), given.keras))
        print(table(report["rows"][-1:]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if given.markdown:
        given.markdown.write_text(table(report["rows"]) + "\n", "utf-8")


def measure(workload: Workload, device: torch.device, effort: Effort, without: set[str], keras: str) -> dict[str, Any]:
    """Everything about one workload: seconds, ratios, operations, and whether zoo and the published loop agree."""
    with ExitStack() as stack:
        bench = stack.enter_context(closing(Bench(workload, device)))
        difference = disagreement(bench)
        flops = operations(bench)
        absent = dict.fromkeys(without, "not asked for")
        steps: dict[str, Any] = {}
        for contender in CONTENDERS:
            try:
                if contender not in without:
                    steps[contender] = prepared(contender, bench, keras, stack)
            except Absent as reason:
                absent[contender] = str(reason)
        left, right = torch.randn(2, SIDE, SIDE, device=device)
        steps["product"] = lambda: ops.linear(left, right)
        times = interleaved(steps, effort, device)
    peak = 2 * SIDE**3 / min(times.pop("product"))
    return {
        "workload": workload.name,
        "batch": workload.batch,
        "largest_difference_of_losses": difference,
        "gigaflop_per_step": flops / 1e9,
        "peak_gflops": peak / 1e9,
        "seconds": {name: median(rounds) for name, rounds in times.items()},
        "spread": {name: quartiles(rounds) for name, rounds in times.items()},
        "ratios": {name: ratio(times, name, "zoo") for name in times if name != "zoo"},
        "share_of_peak": flops / peak / median(times["zoo"]),
        "absent": absent,
    }


class Absent(Exception):  # noqa: N818 (what it is)
    """A contender that cannot be measured here, and why."""


def prepared(contender: str, bench: Bench, keras: str, stack: ExitStack) -> Callable[[], Any]:
    """A contender's step, played once; `stack` ends what it needs. Raises Absent for one that is not to be had here."""
    if contender in keras_side.WAYS:
        if reason := keras_side.obstacle(keras):
            raise Absent(reason)
        return stack.enter_context(keras_side.Worker(keras, bench.workload, bench.classes, keras_side.WAYS[contender]))
    if "compiled" in contender and (reason := compiling.obstacle()):
        raise Absent(reason)
    step = bench.make(contender)
    try:
        step()
    except Exception as error:  # whatever the compiler's trouble is, the others can be measured
        if "compiled" not in contender:
            raise
        raise Absent(compiling.reason(error)) from error
    return step


def quartiles(rounds: list[float]) -> tuple[float, float]:
    """The bounds of the middle half, seconds."""
    lower, _, upper = statistics.quantiles(rounds, n=4)
    return lower, upper


def disagreement(bench: Bench) -> float:
    """The largest relative difference between the losses of zoo and of the published loop, over ten steps from the same weights."""
    ours, theirs = bench.make("zoo"), bench.make("official")
    worst = 0.0
    for _ in range(STEPS):
        for one, other in zip(ours(), theirs(), strict=True):
            worst = max(worst, abs(float(one) - float(other)) / abs(float(other)))
    return worst


def operations(bench: Bench) -> int:
    """Floating-point operations of one step that computes no more than it must: products and convolutions, as torch counts them."""
    step = bench.make("official, lean")
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a row for each workload, a column for each contender, times as long as zoo."""
    names = [name for name in CONTENDERS if name != "zoo"]
    head = ["step", "zoo", *(f"{name} ×" for name in names), "of peak", "losses apart"]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    for row in rows:
        low, high = row["spread"]["zoo"]
        cells = [row["workload"], f"{row['seconds']['zoo'] * 1e3:.1f} ms ({low * 1e3:.1f} to {high * 1e3:.1f})"]
        cells += [f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "–" for name in names]
        cells += [f"{row['share_of_peak']:.0%}", f"{row['largest_difference_of_losses']:.0e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
