"""Whole training steps, side by side: python benchmarks/steps.py [WORKLOAD …] [--json FILE] [--markdown FILE] [--chart FILE]

In one run, in turn: zoo (with its native ops, and on their references), the loop of the official PyTorch DCGAN example with the
same networks of torch.nn (as published; lean, that is channels last and without unused gradients; and compiled, with neither,
either and both), Keras in graph mode on TensorFlow and jitted on JAX where they are installed (--keras PYTHON names an
interpreter that has them; make bench-steps makes one), and large matrix products, as fast as arithmetic gets on this machine.
All of them train: the same networks, batch and Adam, both updates. Those that alternate are compared with zoo, those in bfloat16
(the lean loop under autocast, compiled too, and in float32 with oneDNN's products in bfloat16) with zoo --precision bfloat16, those
that update simultaneously with zoo --simultaneous. Before anything is timed, ten steps of zoo and of the published loop are played
and their losses compared. On a GPU cuDNN tries its algorithms for all of them, as the published example asks.

Times are medians over interleaved rounds, in each of which every contender steps for 50 ms at least; ratios are medians of the
ratio within a round. OMP_NUM_THREADS says how many threads each of them takes. --from reads reports in place of measuring.
What is being done meanwhile is told on standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import torch
from command import at_least, device, interpreter, new_file, new_picture, one_of, say, write
from peers import agreement, chart, keras_side, torch_side
from peers.table import OURS, a_report, kind_of, table
from peers.torch_side import Bench
from peers.workloads import WORKLOADS, Workload
from torch.utils.flop_counter import FlopCounterMode

from zoo import ops
from zoo.bench.machine import facts
from zoo.bench.measure import Effort, Times, interleaved, median, ratio
from zoo.engine.runtime.device import determinism
from zoo.engine.runtime.memory import keep_freed_memory
from zoo.errors import ZooError
from zoo.system import compiling

CONTENDERS = (*torch_side.CONTENDERS, *keras_side.WAYS)
ROWS, SIDE = 256, 1024
"""Of the matrices whose product, ROWS×SIDE by SIDE×SIDE, tells how fast arithmetic can be."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    workload, contender = one_of("workload", WORKLOADS), one_of("contender", CONTENDERS)
    of = f"of: {'; '.join(CONTENDERS)}"
    arguments.add_argument(
        "workloads", nargs="*", type=workload, metavar="WORKLOAD", help=f"by default all: {', '.join(WORKLOADS)}"
    )
    arguments.add_argument("--rounds", type=at_least(3), default=15, help="at least 3")
    arguments.add_argument("--device", type=device, default="auto", help="auto, cpu, mps, cuda or cuda:N")
    arguments.add_argument("--without", nargs="*", type=contender, default=[], metavar="CONTENDER", help=of)
    arguments.add_argument("--only", nargs="*", type=contender, metavar="CONTENDER", help="these, beside zoo")
    arguments.add_argument(
        "--keras", type=interpreter, metavar="PYTHON", default=sys.executable, help="that has keras, tensorflow, jax"
    )
    arguments.add_argument(
        "--from", dest="reports", nargs="+", type=a_report, metavar="JSON", help="what --json wrote; measure nothing"
    )
    arguments.add_argument("--json", type=new_file)
    arguments.add_argument("--markdown", type=new_file)
    arguments.add_argument("--chart", type=new_picture, metavar="PNG", help="needs matplotlib")
    given = arguments.parse_args()
    if given.reports:
        report = {**given.reports[0], "rows": [row for each in given.reports for row in each["rows"]]}
        print(table(report))
    else:
        without = {name for name in CONTENDERS if given.only is not None and name not in {"zoo", *given.only}}
        report = measured(given, without | set(given.without))
    if given.json:
        write(given.json, json.dumps(report, indent=1))
    if given.markdown:
        write(given.markdown, table(report))
    if given.chart:
        try:
            chart.draw(report, given.chart)
        except ZooError as error:
            raise SystemExit(str(error)) from error


def measured(given: argparse.Namespace, without: set[str]) -> dict[str, Any]:
    """The report, told while it grows; what is there so far is kept, where a file is given for it."""
    keep_freed_memory()
    without = without | set(torch_side.ON_CPU if given.device.type == "cuda" else torch_side.ON_GPU)
    effort = Effort(rounds=given.rounds, seconds=0.05, warm_up=0.0)
    report: dict[str, Any] = {"schema": 1, "machine": facts(given.device, effort), "rows": []}
    names = given.workloads or list(WORKLOADS)
    for number, name in enumerate(names, 1):
        say(f"{name}, {number} of {len(names)}: playing zoo and the published loop, then preparing the contenders")
        report["rows"].append(measure(WORKLOADS[name], given.device, effort, without, given.keras))
        print(table({**report, "rows": report["rows"][-1:]}), end="\n\n", flush=True)
        if given.json:
            write(given.json, json.dumps(report, indent=1))
    return report


def measure(workload: Workload, device: torch.device, effort: Effort, without: set[str], keras: str) -> dict[str, Any]:
    """Everything about one workload: seconds, ratios, operations, and whether zoo and the published loop agree."""
    with ExitStack() as stack:
        stack.enter_context(determinism(False))  # cuDNN tries its algorithms
        # The contenders' networks share torch's code, and with it a limit of 8; beyond it they would run eagerly unannounced.
        stack.enter_context(torch._dynamo.config.patch(recompile_limit=64, fail_on_recompile_limit_hit=True))
        bench = stack.enter_context(closing(Bench(workload, device)))
        differences = agreement.agreement(bench)
        flops = operations(bench)
        absent = dict.fromkeys(sorted(without), "not asked for")
        steps: dict[str, Any] = {}
        for contender in CONTENDERS:
            try:
                if contender not in without:
                    steps[contender] = prepared(contender, bench, keras, stack)
            except Absent as reason:
                absent[contender] = str(reason)
                say(f"{workload.name}: {contender} is not measured: {reason}")
        say(f"{workload.name}: {len(steps)} contenders are prepared, {effort.rounds} rounds begin")
        left, right = torch.randn(ROWS, SIDE, device=device), torch.randn(SIDE, SIDE, device=device)
        times = interleaved({**steps, "product": lambda: ops.linear(left, right)}, effort, device)
        peak = 2 * ROWS * SIDE**2 / min(times.pop("product"))
        for name, step in steps.items():
            if isinstance(step, keras_side.Worker):
                times[name] = step.rounds(effort.rounds)
    return {
        "workload": workload.name,
        "batch": workload.batch,
        "rounds": effort.rounds,
        "losses_apart": differences,
        "gigaflop_per_step": flops / 1e9,
        "peak_gflops": peak / 1e9,
        "seconds": {name: median(rounds) for name, rounds in times.items()},
        "spread": {name: quartiles(rounds) for name, rounds in times.items()},
        "ratios": ratios(times),
        "share_of_peak": flops / peak / median(times["zoo"]),
        "absent": absent,
    }


class Absent(Exception):  # noqa: N818 (what it is)
    """A contender that cannot be measured here, and why."""


def prepared(contender: str, bench: Bench, keras: str, stack: ExitStack) -> Callable[[], Any]:
    """A contender's step, played once; `stack` ends what it needs. Raises Absent for one that is not to be had here."""
    if contender in keras_side.WAYS:
        if bench.device.type != "cpu":
            raise Absent("Keras is measured on the CPU alone")
        backend, way = keras_side.WAYS[contender]
        if reason := keras_side.obstacle(keras, backend):
            raise Absent(reason)
        try:
            return stack.enter_context(keras_side.Worker(keras, bench.workload, bench.classes, backend, way))
        except RuntimeError as error:  # whatever Keras' trouble is, the others can be measured
            raise Absent(str(error)) from error
    if reason := torch_side.obstacle(contender):
        raise Absent(reason)
    step = bench.make(contender)
    try:
        step()
    except Exception as error:  # whatever the compiler's trouble is, the others can be measured
        if "compiled" not in contender:
            raise
        raise Absent(compiling.reason(error)) from error
    return step


def ratios(times: Times) -> dict[str, float]:
    """How many times as long as zoo's step of the same kind each takes, where that one was measured."""
    bases = {name: OURS[kind_of(name)] for name in times}
    return {name: ratio(times, name, base) for name, base in bases.items() if base in times and name != base}


def quartiles(rounds: list[float]) -> tuple[float, float]:
    """The bounds of the middle half, seconds."""
    lower, _, upper = statistics.quantiles(rounds, n=4)
    return lower, upper


def operations(bench: Bench) -> int:
    """Floating-point operations of one step that computes no more than it must: products and convolutions, as torch counts them."""
    step = bench.make("official, lean")
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
