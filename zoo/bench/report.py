"""The rows as tables for a person and as JSON for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from zoo.bench.goals import Verdict
from zoo.bench.sidebyside import Row
from zoo.bench.training import AssemblyRow, StepRow

SCHEMA = 1
"""Version of the JSON: it grows when a field changes its meaning or goes."""


def ops_table() -> Table:
    """The head of the table of ops; `add` fills it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("op", "input", "what", "pass"):
        table.add_column(name, no_wrap=True)
    for name in ("ours", "eager ×", "compile ×", "of copy", "memory", "eager's", "ops", "eager's"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def add(table: Table, row: Row) -> None:
    """One line: a ratio above 1 says how many times as long the other takes."""
    w = row.workload
    ours, eager = row.footprints["ours"], row.footprints["eager"]
    table.add_row(
        w.op,
        w.size,
        w.what,
        "f" if row.direction == "forward" else "f+b",
        duration(row.seconds["ours"]),
        times(row.ratios.get("eager")),
        times(row.ratios.get("compile")),
        percent(row.bandwidth),
        size(ours.peak_bytes),
        size(eager.peak_bytes),
        str(ours.dispatched),
        str(eager.dispatched),
    )


def steps_table(rows: Sequence[StepRow]) -> Table:
    """Training steps."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("training step", "batch"):
        table.add_column(name, no_wrap=True)
    for name in ("ours", "images/s", "reference ×", "torch.nn ×", "torch.nn compiled ×"):
        table.add_column(name, justify="right")
    for row in rows:
        ratios = [times(row.ratios.get(name)) for name in ("reference", "eager", "compile")]
        speed = f"{row.batch_size / row.seconds['ours']:.0f}"
        name = f"{row.name} {row.what}".strip()
        table.add_row(name, str(row.batch_size), duration(row.seconds["ours"]), speed, *ratios)
    return table


def assembly_table(rows: Sequence[AssemblyRow]) -> Table:
    """Batch assembly."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("batch assembly", "layout", "by"):
        table.add_column(name, no_wrap=True)
    for name in ("ours", "NumPy ×", "of a step"):
        table.add_column(name, justify="right")
    for row in rows:
        shape = "×".join(map(str, row.shape))
        ratio = times(row.ratios["reference"])
        table.add_row(shape, row.layout, row.served_by, duration(row.seconds["ours"]), ratio, percent(row.share, 1))
    return table


def goals_table(verdicts: Sequence[Verdict]) -> Table:
    """Goals and what became of them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("goal", "", "wanted", "measured", ""):
        table.add_column(name, no_wrap=True)
    for v in verdicts:
        sign = "≤" if v.at_most else "≥"
        table.add_row(
            v.workload, v.claim, f"{sign} {v.goal:.2f}", f"{v.value:.2f}", "reached" if v.reached else "MISSED"
        )
    return table


def as_json(
    facts: dict[str, Any],
    rows: Sequence[Row],
    steps: Sequence[StepRow],
    assembly: Sequence[AssemblyRow],
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


def size(count: int) -> str:
    """Bytes with a binary unit."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
