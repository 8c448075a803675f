"""The rows as tables for a person and as JSON for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from zoo.bench.goals import Verdict
from zoo.bench.sidebyside import Row
from zoo.bench.training import BatchRow, StepRow
from zoo.bench.workloads import Workload

SCHEMA = 1
"""Version of the JSON: it grows when a field changes its meaning or goes."""


def ops_table(rows: Sequence[Row]) -> Table:
    """The ops, one section each, narrow enough for 80 columns; a ratio above 1 is how many times as long the other takes."""
    table = _table("op, input", "pass", "ours", "eager\n×", "compile\n×", "of\ncopy", "memory", "ops", words=2)
    shown = ""
    for row in rows:
        w = row.workload
        if w.op != shown:
            shown = w.op
            table.add_row(f"[bold]{w.op}[/bold]")
        ours, eager = row.footprints["ours"], row.footprints["eager"]
        table.add_row(
            f"{w.size} {_brief(w)}",
            "f" if row.direction == "forward" else "f+b",
            duration(row.seconds["ours"]),
            times(row.ratios.get("eager")),
            times(row.ratios.get("compile")),
            percent(row.bandwidth),
            sizes(ours.peak_bytes, eager.peak_bytes),
            f"{ours.dispatched}/{eager.dispatched}",
        )
    return table


def _brief(w: Workload) -> str:
    """What distinguishes a workload, with the usual short names of layouts and types."""
    text = w.what.replace(",", "").replace("channels_last", "nhwc").replace("contiguous", "nchw")
    return text.replace("bfloat16", "bf16").replace("float16", "fp16")


def _table(*names: str, words: int) -> Table:
    """A table whose first columns are words and whose others are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < words else "right", no_wrap=True)
    return table


def steps_table(rows: Sequence[StepRow]) -> Table:
    """Training steps."""
    names = ("training step", "batch", "ours", "images/s", "reference\n×", "torch.nn\n×", "torch.nn\ncompiled ×")
    table = _table(*names, words=1)
    table.columns[0].no_wrap = False
    for row in rows:
        ratios = [times(row.ratios.get(name)) for name in ("reference", "eager", "compile")]
        speed = f"{row.batch_size / row.seconds['ours']:.0f}"
        name = f"{row.name} {row.what}".strip()
        table.add_row(name, str(row.batch_size), duration(row.seconds["ours"]), speed, *ratios)
    return table


def assembly_table(rows: Sequence[BatchRow]) -> Table:
    """Batch assembly."""
    table = _table("batch assembly", "layout", "by", "ours", "NumPy ×", "of a step", words=3)
    for row in rows:
        shape = "×".join(map(str, row.shape))
        ratio = times(row.ratios["reference"])
        table.add_row(shape, row.layout, row.served_by, duration(row.seconds["ours"]), ratio, percent(row.share, 1))
    return table


def goals_table(verdicts: Sequence[Verdict]) -> Table:
    """Goals and what became of them, forward and backward."""
    table = _table("goal", "wanted", "measured", "", words=1)
    shown = ""
    for v in verdicts:
        if v.workload != shown:
            shown = v.workload
            table.add_row(f"[bold]{shown}[/bold]")
        sign = "≤" if v.at_most else "≥"
        table.add_row(f"  {v.claim}", f"{sign} {v.goal:.2f}", f"{v.value:.2f}", "reached" if v.reached else "MISSED")
    return table


def as_json(
    facts: dict[str, Any],
    rows: Sequence[Row],
    steps: Sequence[StepRow],
    assembly: Sequence[BatchRow],
    verdicts: Sequence[Verdict],
) -> dict[str, Any]:
    """Everything measured; docs/performance.md describes the fields."""
    return {
        "schema": SCHEMA,
        "machine": facts,
        "ops": [_op(row) for row in rows],
        "training_steps": [
            {
                "architecture": row.name,
                "what": row.what,
                "batch_size": row.batch_size,
                "device": row.device,
                "served_by": row.served_by,
                "seconds": row.seconds,
                "ratios": row.ratios,
                "absent": row.absent,
            }
            for row in steps
        ],
        "batch_assembly": [
            {
                "shape": list(row.shape),
                "layout": row.layout,
                "served_by": row.served_by,
                "seconds": row.seconds,
                "ratios": row.ratios,
                "share_of_step": row.share,
            }
            for row in assembly
        ],
        "goals": [
            {"workload": v.workload, "claim": v.claim, "goal": v.goal, "at_most": v.at_most, "value": v.value,
             "reached": v.reached}
            for v in verdicts
        ],
    }  # fmt: skip


def _op(row: Row) -> dict[str, Any]:
    w = row.workload
    return {
        "op": w.op,
        "shape": list(w.shape),
        "layout": w.layout,
        "dtype": w.dtype,
        "what": w.what,
        "place": w.place,
        "direction": row.direction,
        "device": row.device,
        "served_by": row.served_by,
        "seconds": row.seconds,
        "ratios": row.ratios,
        "share_of_copy_bandwidth": row.bandwidth,
        "peak_bytes": {name: f.peak_bytes for name, f in row.footprints.items()},
        "dispatched_ops": {name: f.dispatched for name, f in row.footprints.items()},
        "absent": row.absent,
    }


def duration(seconds: float) -> str:
    """1.23 ms, three digits."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms"), (1.0, "s")):
        value = seconds * factor
        if value < 1000 or unit == "s":
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError


def times(ratio: float | None) -> str:
    """2.51, or a dash for what was not measured."""
    return "–" if ratio is None else f"{ratio:.2f}"


def percent(share: float | None, digits: int = 0) -> str:
    """83 %, or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def sizes(*counts: int) -> str:
    """Bytes with a binary unit: 32 MiB; several with one unit: 32/64 MiB."""
    power = 0
    while power < 3 and max(counts) >= 1024 ** (power + 1):
        power += 1
    numbers = [count / 1024**power for count in counts]
    text = "/".join(f"{n:.0f}" if n >= 10 or n == int(n) else f"{n:.1f}" for n in numbers)
    return f"{text} {('B', 'KiB', 'MiB', 'GiB')[power]}"
