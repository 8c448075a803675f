"""``zoo bench``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.bench.workloads import NAMES, chosen
from zoo.cli.arguments import parse
from zoo.cli.importing import importing
from zoo.errors import OptionError, unknown
from zoo.run.files import advising, writing

if TYPE_CHECKING:
    import torch

    from zoo.bench.measure import Effort
    from zoo.bench.sidebyside import Row
    from zoo.bench.training import BatchRow, StepRow


@dataclass
class Bench:
    """Measure the ops, side by side with eager PyTorch and torch.compile; whole training steps; batch assembly."""

    op: str | None = None
    """Only this: batch_norm_act, bias_act, discriminator_loss, generator_loss, conv2d_act, conv_transpose2d_act, linear_act,
    training_step or batch_assembly."""
    quick: bool = False
    """One tiny input each, a few rounds, no torch.compile: whether it works, in seconds."""
    compile: bool = True
    """Measure torch.compile too, which takes most of the time."""
    device: str = "auto"
    """auto, cpu, mps, cuda or cuda:N; auto takes a GPU where there is one."""
    keep_memory: bool = True
    """Keep freed memory in the process (glibc), as training does; else the system's clearing of pages is measured too."""
    threads: int | None = None
    """Threads that torch may use; by default as many as it wants."""
    json: Path | None = None
    """Write everything measured to this file too."""


def run(arguments: Sequence[str]) -> int:
    """Measure; returns the exit code."""
    given = parse(Bench, "bench", arguments)
    if given.op is not None:
        given.op = given.op.replace("-", "_")
        if given.op not in NAMES:
            raise OptionError(unknown("op", given.op, NAMES, "zoo bench --help"))
    if given.threads is not None and given.threads < 1:
        raise OptionError(f"--threads {given.threads}: give at least 1")
    if given.json is not None and (given.json.is_dir() or not given.json.absolute().parent.is_dir()):
        raise OptionError(f"--json {given.json}: give the name of a file in a folder that exists")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler would write lines of its own between ours

    with importing():
        import torch

        from zoo.bench.machine import facts
        from zoo.bench.measure import Effort
        from zoo.bench.report import as_json, goals_table
        from zoo.engine.runtime.device import choose_device
        from zoo.engine.runtime.memory import keep_freed_memory

    device = choose_device(given.device)
    effort = Effort.quick() if given.quick else Effort()
    threads = torch.get_num_threads()
    torch.set_num_threads(given.threads or threads)
    try:
        console = Console(highlight=False)
        kept = given.keep_memory and keep_freed_memory()
        machine = {**facts(device, effort), "keeps_freed_memory": kept}
        _introduce(console, machine)
        rows = _ops(console, given, device, effort)
        steps, assembly = _whole(console, given, device, effort)
    finally:
        torch.set_num_threads(threads)

    from zoo.bench.goals import verdicts

    verdicts_ = [] if given.quick else verdicts(rows)
    if verdicts_:
        console.print()
        console.print(goals_table(verdicts_))
    if given.json is not None:
        content = json.dumps(as_json(machine, rows, steps, assembly, verdicts_), indent=1)
        with advising(_elsewhere), writing(given.json):
            given.json.write_text(content + "\n", "utf-8")
        console.print(f"\nwritten: {given.json}", markup=False, soft_wrap=True)
    return 0


def _elsewhere(mend: str) -> str:
    return f"{mend}, or give another place with --json" if mend else "give another place with --json"


def _introduce(console: Console, machine: dict[str, object]) -> None:
    from zoo import ops

    for line in (
        f"zoo {machine['zoo']}, torch {machine['torch']}, {machine['date']}",
        f"{machine['hardware']}, {machine['cores']} cores, {machine['threads']} threads; "
        f"a copy moves {machine['copy_gb_per_s']} GB/s; "
        + ("freed memory is kept" if machine["keeps_freed_memory"] else "freed memory goes back to the system"),
    ):
        console.print(line, markup=False, soft_wrap=True)
    device = str(machine["device"]).partition(":")[0]
    for op, rows in ops.status().items():
        row = rows.get(device, {"served_by": "reference", "why": f"No kernel is built for {device}."})
        if row["served_by"] != "native":
            console.print(f"{op}: ours is the reference. {row['why']}", markup=False, soft_wrap=True)


def _ops(console: Console, given: Bench, device: torch.device, effort: Effort) -> list[Row]:
    from zoo.bench.report import ops_table
    from zoo.bench.sidebyside import rows as measure

    workloads = chosen(given.op, quick=given.quick, gpu=device.type == "cuda")
    if not workloads:
        return []
    found: list[Row] = []
    with console.status("") as status:
        for number, workload in enumerate(workloads, 1):
            status.update(f"{number} of {len(workloads)}: {workload.op} {workload.size} {workload.what}")
            found += measure(workload, device, effort, given.compile and not given.quick)
    console.print()
    console.print(ops_table(found))
    console.print(
        "\nf: forward; f+b: forward and backward. ×: how many times as long as ours. of copy: share of the bandwidth of a "
        "copy of as much memory, for the passes over it that an op cannot do without. memory: the most that was "
        "allocated meanwhile, ours/eager. ops: how many went through torch's dispatcher, ours/eager.",
        markup=False,
    )
    lean = [row for row in found if "eager, loss alone" in row.ratios and row.direction != "forward"]
    if lean:
        listed = ", ".join(
            f"{r.workload.op.partition('_')[0]} {r.workload.size} {r.workload.kind} {r.ratios['eager, loss alone']:.2f}"
            for r in lean
        )
        console.print(f"eager × without the statistics that ours logs, f+b: {listed}", markup=False)
    for reason in {reason for row in found for reason in row.absent.values()}:
        console.print(f"compile × is empty: {reason}", markup=False)
    return found


def _whole(
    console: Console, given: Bench, device: torch.device, effort: Effort
) -> tuple[list[StepRow], list[BatchRow]]:
    """Training steps and batch assembly, where they are asked for."""
    from zoo.bench.report import assembly_table, steps_table
    from zoo.bench.training import batch_assembly, training_step

    steps: list[StepRow] = []
    assembly: list[BatchRow] = []
    variants: list[dict[str, Any]] = [{}, {"r1": 0.0}]  # the default, whose penalty torch.compile cannot differentiate
    if given.quick:
        variants = [{"width": 2, "latent": 4, "batch_size": 8, "r1": 0.0}]
    elif given.op == "batch_assembly":
        variants = [{}]
    if given.op in (None, "training_step", "batch_assembly"):
        compile_ = given.compile and not given.quick and given.op != "batch_assembly"
        for options in variants:
            with console.status("a training step of the default DCGAN"):
                steps.append(training_step(device, effort, compile_, **options))
        if given.op != "batch_assembly":
            console.print()
            console.print(steps_table(steps))
            for name, reason in {name: reason for row in steps for name, reason in row.absent.items()}.items():
                console.print(f"{name}: {reason}", markup=False)
    if given.op in (None, "batch_assembly"):
        step = steps[0].seconds["ours"]
        assembly += batch_assembly(effort, steps[0].batch_size, 28, 1, step)
        if not given.quick:
            assembly += batch_assembly(effort, 128, 64, 3)
        console.print()
        console.print(assembly_table(assembly))
    return steps, assembly
