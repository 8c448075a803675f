"""What a step of zoo is made of, layer by layer: python benchmarks/layers.py [WORKLOAD …] [--json FILE] [--markdown FILE]

A step is watched once: which layer gets what, and what it is to give gradients for. Then each of these calls is repeated by itself
on the tensors it got, forward and backward, once in every round, and so are the losses, the optimisers, the drawing of latents and
data, and the whole step. What the sum leaves of the step is autograd's and Python's own work and what lies between the layers:
copies from one layout to another, the joining of real images and fakes. It is below zero where layers by themselves take longer
than within a step, whose tensors the caches still hold.

Times are medians over the rounds; on one thread (OMP_NUM_THREADS=1) they are the processor's for this thread, which neighbours on
the same machine lengthen least. Where a layer is asked for both gradients, that of its weights is what both take together
less what the input's takes alone. The rate is in GFLOP/s of the products that the definition of the layer asks for; an algorithm
that needs fewer, as Winograd's does, can be faster than any product.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import torch
from command import at_least, new_file, one_of, say, write
from peers.table import line, number
from peers.torch_side import Bench
from peers.workloads import WORKLOADS, Workload
from torch import Tensor, nn

from zoo import ops
from zoo.bench.machine import facts
from zoo.bench.measure import Effort, median
from zoo.engine.ema import EMA
from zoo.engine.runtime.device import choose_device
from zoo.engine.runtime.memory import keep_freed_memory
from zoo.engine.step import Step, constant
from zoo.nn.groups import in_groups
from zoo.nn.normalisation import BatchNormAct

WARM_UP = 2
DIRECTIONS = ("forward", "backward", "input's gradient", "weights' gradient")
AT_LEAST = 0.05
"""Seconds of steps in a round: more than one of those that are short."""
ROWS, SIDE = 256, 1024
"""Of the matrices whose product, ROWS×SIDE by SIDE×SIDE, tells how fast arithmetic can be."""


def clock() -> float:
    """Seconds, from some point on."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


Timed = Callable[[], float]
"""Does something once, in seconds."""


@dataclass(frozen=True)
class Call:
    """A layer at work in a step: its input, and what is wanted of it."""

    role: str
    name: str
    layer: nn.Module
    inputs: tuple[Any, ...] = field(compare=False)
    shapes: tuple[Any, ...]
    recorded: bool
    """Whether gradients are to flow."""
    to_input: bool
    to_weights: bool
    groups: int

    def forward(self, to_input: bool, to_weights: bool) -> tuple[Tensor, list[Tensor]]:
        """The output, and what gradients are wanted for."""
        inputs = tuple(value.detach() if isinstance(value, Tensor) else value for value in self.inputs)
        if to_input:
            inputs[0].requires_grad_()
        wanted = [*inputs[:1]] if to_input else []
        wanted += [p for p in self.layer.parameters() if p.requires_grad] if to_weights else []
        with (
            torch.set_grad_enabled(self.recorded),
            constant(None if to_weights else self.layer),
            in_groups(self.layer, self.groups),
        ):
            return self.layer(*inputs), wanted

    def time_forward(self) -> float:
        began = clock()
        kept = self.forward(self.to_input, self.to_weights)  # its end is not in the time
        taken = clock() - began
        del kept
        return taken

    def time_backward(self, to_input: bool, to_weights: bool) -> float:
        output, wanted = self.forward(to_input, to_weights)
        slope = torch.ones_like(output)
        began = clock()
        kept = torch.autograd.grad(output, wanted, slope)
        taken = clock() - began
        del kept
        return taken

    def flops(self) -> int:
        """Of one direction: a multiplication and an addition for every weight wherever it is applied."""
        if not isinstance(self.layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            return 0
        with torch.no_grad():
            output = self.inputs[0] if isinstance(self.layer, nn.ConvTranspose2d) else self.forward(False, False)[0]
        return 2 * len(output) * prod(output.shape[2:]) * self.layer.weight.numel()

    def title(self) -> str:
        """Its kind and what it makes of what: Conv2dAct 64×32×32 → 128×16×16."""
        with torch.no_grad():
            output = self.forward(False, False)[0]
        before, after = ("×".join(map(str, value.shape[1:])) for value in (self.inputs[0], output))
        where = f"{self.role} {self.name}: {type(self.layer).__name__}"
        return f"{where} {before}" + (f" → {after}" if after != before else "")


@dataclass
class Line:
    """A row of the table: seconds of a step, and what arithmetic they hold."""

    what: str
    direction: str
    seconds: float
    flops: float = 0.0
    kind: str = ""


def watch(step: Step) -> Counter[Call]:
    """The calls of layers in one step, and how often each occurs."""
    calls: Counter[Call] = Counter()

    def record(role: str, name: str, layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        kept = tuple(value.detach().clone() if isinstance(value, Tensor) else value for value in inputs)
        shapes = tuple((value.shape, value.stride()) if isinstance(value, Tensor) else value for value in kept)
        recorded = torch.is_grad_enabled()
        to_input = recorded and isinstance(inputs[0], Tensor) and inputs[0].requires_grad
        to_weights = recorded and any(parameter.requires_grad for parameter in layer.parameters())
        groups = layer._groups if isinstance(layer, BatchNormAct) else 1
        calls[Call(role, name, layer, kept, shapes, recorded, to_input, to_weights, groups)] += 1

    hooks = [
        layer.register_forward_pre_hook(lambda layer, inputs, role=role, name=name: record(role, name, layer, inputs))
        for role, network in (("G", step.generator), ("D", step.discriminator))
        for name, layer in network.named_modules()
        if not list(layer.children())
    ]
    step.run(0)
    for hook in hooks:
        hook.remove()
    return calls


def pieces(calls: Iterable[Call]) -> dict[tuple[Call, str], Timed]:
    """What is timed of each call; see `shares` for what becomes of it."""
    found: dict[tuple[Call, str], Timed] = {}
    for call in calls:
        found[call, "forward"] = call.time_forward
        if call.to_input:
            found[call, "input"] = partial(call.time_backward, True, False)
        if call.to_weights:
            found[call, "both" if call.to_input else "weights"] = partial(call.time_backward, call.to_input, True)
    return found


def shares(calls: Counter[Call], seconds: dict[Any, float]) -> list[Line]:
    """Rows of the layers: forward and the gradients apart where there is arithmetic, else what the backward pass takes."""
    lines: dict[tuple[str, str, str], Line] = {}

    def add(call: Call, direction: str, taken: float) -> None:
        flops = call.flops()
        key = (call.role, call.name, direction)
        row = lines.setdefault(key, Line(call.title(), direction, 0.0, kind="products" if flops else "between"))
        row.seconds += calls[call] * taken
        row.flops += calls[call] * flops

    for call in calls:
        add(call, "forward", seconds[call, "forward"])
        alone, both = seconds.get((call, "input"), 0.0), seconds.get((call, "both"), 0.0)
        if call.flops() and alone:
            add(call, "input's gradient", alone)
        if call.flops() and (both or (call, "weights") in seconds):
            add(call, "weights' gradient", both - alone if both else seconds[call, "weights"])
        if not call.flops() and (call.to_input or call.to_weights):
            add(call, "backward", both or alone or seconds[call, "weights"])
    order = list(dict.fromkeys((role, name) for role, name, _ in lines))
    return [lines[key] for key in sorted(lines, key=lambda key: (order.index(key[:2]), DIRECTIONS.index(key[2])))]


def others(step: Step, count: int) -> dict[str, Timed]:
    """Everything in a step that is no layer."""

    def loss(function: Callable[..., Any], logits: int) -> None:
        given = [torch.zeros(count, device=step.latents.device, requires_grad=True) for _ in range(logits)]
        torch.autograd.grad(function(*given, scale=1.0)[0], given)

    everything: dict[str, Callable[[], Any]] = {
        "D's loss, forward and backward": lambda: loss(step.objective.discriminator_loss, 2),
        "G's loss, forward and backward": lambda: loss(step.objective.generator_loss, 1),
        "D's optimiser": step.optimizers["discriminator"].step,
        "G's optimiser": step.optimizers["generator"].step,
        "drawing latents": lambda: step.latents.draw(count),
        "drawing a batch of data": step.draw,
    }
    return {name: partial(clocked, call) for name, call in everything.items()}


def clocked(call: Callable[[], Any]) -> float:
    """Seconds of a call."""
    began = clock()
    call()
    return clock() - began


def measure(workload: Workload, device: torch.device, rounds: int) -> dict[str, Any]:
    """The table of one workload."""
    with closing(Bench(workload, device)) as bench:
        made = bench.state()
        step = made.step
        calls = watch(step)
        left, right = torch.randn(ROWS, SIDE, device=device), torch.randn(SIDE, SIDE, device=device)
        ema = EMA(step.generator, 0.999)
        numbers = iter(range(1, 10**9))

        def steps() -> float:
            taken = [clocked(lambda: step.run(next(numbers)))]  # in which the caches fill again with what a step needs
            while sum(taken) < AT_LEAST:
                taken.append(clocked(lambda: step.run(next(numbers))))
            return median(taken[1:] or taken)

        timed: dict[Any, Timed] = {
            "step": steps,
            **pieces(calls),
            **others(step, workload.batch),
            "average": partial(clocked, ema.update),
            "product": partial(clocked, lambda: ops.linear(left, right)),
        }
        times: dict[Any, list[float]] = {name: [] for name in timed}
        say(f"{workload.name}: {len(timed)} parts are known, {rounds} rounds begin")
        gc.collect()
        gc.disable()
        for number_ in range(WARM_UP + rounds):
            for name, once in timed.items():
                taken = once()
                if number_ >= WARM_UP:
                    times[name].append(taken)
        gc.enable()
        seconds = {name: median(each) for name, each in times.items()}
        lines = shares(calls, seconds)
        lines += [Line(name, "", seconds[name], kind=name) for name in others(step, workload.batch)]
        return {
            "workload": workload.name,
            "batch": workload.batch,
            "rounds": rounds,
            "step": seconds["step"],
            "average": seconds["average"],
            "peak_gflops": 2 * ROWS * SIDE**2 / min(times["product"]) / 1e9,
            "lines": [vars(each) for each in lines],
        }


def table(row: dict[str, Any]) -> str:
    """Markdown: a line for each part of the step, then their sums."""
    step = row["step"]
    lines = [f"{WORKLOADS[row['workload']].title}, {number(step * 1e3)} ms a step", ""]
    lines += [line(["part", "", "ms", "GFLOP", "GFLOP/s", "of the step"]), "|---|---|--:|--:|--:|--:|"]

    def add(what: str, direction: str, seconds: float, flops: float = 0.0) -> None:
        rate = [number(flops / 1e9), f"{flops / seconds / 1e9:,.0f}"] if flops and seconds > 0 else ["", ""]
        lines.append(line([what, direction, f"{seconds * 1e3:.3g}", *rate, f"{seconds / step:.1%}"]))

    for each in row["lines"]:
        add(each["what"], each["direction"], each["seconds"], each["flops"])
    for kind, name in (("products", "convolutions and dense layers"), ("between", "layers between these")):
        of_kind = [each for each in row["lines"] if each["kind"] == kind]
        if of_kind:
            add(f"**all {name}**", "", sum(e["seconds"] for e in of_kind), sum(e["flops"] for e in of_kind))
    known = sum(each["seconds"] for each in row["lines"])
    add("**all of the above**", "", known)
    add("**the rest of the step**", "", step - known)
    lines += ["", f"A large matrix product reached {row['peak_gflops']:.0f} GFLOP/s in the same rounds. ",
              f"`--ema`, which this step has not, would take {number(row['average'] * 1e3)} ms more."]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    workload = one_of("workload", WORKLOADS)
    arguments.add_argument(
        "workloads", nargs="*", type=workload, metavar="WORKLOAD", help=f"by default all: {', '.join(WORKLOADS)}"
    )
    arguments.add_argument("--rounds", type=at_least(1), default=21)
    arguments.add_argument("--json", type=new_file)
    arguments.add_argument("--markdown", type=new_file)
    given = arguments.parse_args()
    keep_freed_memory()
    device = choose_device("cpu")
    report: dict[str, Any] = {"schema": 1, "machine": facts(device, Effort(rounds=given.rounds)), "rows": []}
    names = given.workloads or list(WORKLOADS)
    for number_, name in enumerate(names, 1):
        say(f"{name}, {number_} of {len(names)}: watching a step")
        report["rows"].append(measure(WORKLOADS[name], device, given.rounds))
        print(table(report["rows"][-1]), end="\n\n", flush=True)
    if given.json:
        write(given.json, json.dumps(report, indent=1))
    if given.markdown:
        write(given.markdown, "\n\n".join(map(table, report["rows"])))


if __name__ == "__main__":
    main()
