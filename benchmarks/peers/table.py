"""The report of ../steps.py as Markdown: a column for each workload, the contenders in rows by what they compute."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from peers.agreement import COMPARISONS
from peers.keras_side import WAYS
from peers.torch_side import CONTENDERS
from peers.workloads import WORKLOADS

OURS = {"alternating": "zoo", "bfloat16": "zoo, bfloat16", "simultaneous": "zoo, simultaneous"}
"""What the contenders of each kind are compared with."""
HEADINGS = {
    "alternating": "D's update, then G's through the D that has just learnt",
    "bfloat16": "the same in bfloat16: both networks' passes under autocast, or products alone",
    "simultaneous": "both updates from one pass of D over the fakes",
}
NAMES = {
    "zoo, references": "zoo without its native core",
    "zoo, simultaneous": "zoo --simultaneous",
    "official": "PyTorch's DCGAN example",
    "official, lean": "… channels last, no unused gradients",
    "official, compiled": "… torch.compile",
    "official, channels last, compiled": "… torch.compile, channels last",
    "official, unused left out, compiled": "… torch.compile, no unused gradients",
    "official, lean, compiled": "… torch.compile, both",
    "zoo, captured": "zoo --capture",
    "zoo, bfloat16": "zoo --precision bfloat16",
    "zoo, captured, bfloat16": "zoo --capture --precision bfloat16",
    "official, lean, bfloat16": "PyTorch's example, channels last, no unused gradients, autocast",
    "official, lean, compiled, bfloat16": "… the same, torch.compile",
    "official, lean, products in bfloat16": "… float32, whose products and convolutions oneDNN computes in bfloat16",
    "official, lean, compiled, max-autotune-no-cudagraphs": "… torch.compile, both, max-autotune without CUDA graphs",
    "official, lean, compiled, max-autotune-no-cudagraphs, bfloat16": "… the same, bfloat16",
    "official, lean, compiled, max-autotune": "… torch.compile, both, max-autotune",
    "official, lean, compiled, max-autotune, bfloat16": "… the same, bfloat16",
    "tensorflow": "Keras on TensorFlow",
    "jax": "Keras on JAX",
    "tensorflow, simultaneous": "Keras on TensorFlow",
    "jax, simultaneous": "Keras on JAX",
}
"""What a reader is told of a contender; one that is not here goes by its own name."""
Row = dict[str, Any]


def kind_of(contender: str) -> str:
    """alternating, bfloat16 (which alternates) or simultaneous: contenders of one kind are compared with each other."""
    return next((kind for kind in ("simultaneous", "bfloat16") if kind in contender), "alternating")


def table(report: dict[str, Any]) -> str:
    """The whole report. What was not measured anywhere has a line of its reason below."""
    rows = report["rows"]
    lines = [line(["", *(row["workload"] for row in rows)]), "|---|" + "--:|" * len(rows)]
    lines.append(line(["images in a batch", *(str(row["batch"]) for row in rows)]))
    for way, ours in OURS.items():
        played = [name for name in (*CONTENDERS, *WAYS) if kind_of(name) == way and measured(name, rows)]
        if played:
            lines.append(line([f"**{way}**: {HEADINGS[way]}", *[""] * len(rows)]))
        for name in sorted(played, key=lambda name: name != ours):
            lines.append(line([NAMES.get(name, name), *(time_of(name, row) for row in rows)]))
    lines.append(line(["**zoo and this machine**", *[""] * len(rows)]))
    lines.append(line(["GFLOP that a step cannot do without", *(number(row["gigaflop_per_step"]) for row in rows)]))
    lines.append(line(["GFLOP/s of a large matrix product", *(f"{row['peak_gflops']:.0f}" for row in rows)]))
    share = [f"{row['share_of_peak']:.0%}" for row in rows]
    lines.append(line(["zoo's GFLOP/s, by that count, of the product's", *share]))
    lines.append(line(["**the largest difference of losses in ten steps**, relative", *[""] * len(rows)]))
    for key, what in COMPARISONS.items():
        lines.append(line([what, *(difference(row["losses_apart"][key]) for row in rows)]))
    return "\n".join([*lines, *absences(rows)])


def a_report(name: str) -> dict[str, Any]:
    """What `--json` wrote, from a file; a `type` for argparse (see ../command.py). What a table or a chart needs is there."""
    advice = "give a file that steps.py --json has written"
    try:
        report = json.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise ArgumentTypeError(f"{name!r} cannot be read: {error.strerror}; {advice}") from error
    except ValueError as error:
        raise ArgumentTypeError(f"{name!r} is not JSON ({error}); {advice}") from error
    try:
        table(report)
        complete = bool(report["rows"]) and all(row["workload"] in WORKLOADS for row in report["rows"])
        complete = complete and all(key in report["machine"] for key in ("hardware", "threads", "torch", "date"))
    except (
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ):  # what Python says of a value of another shape
        complete = False
    if not complete:
        raise ArgumentTypeError(f"{name!r} is JSON, but no report of whole steps; {advice}")
    return report


def measured(name: str, rows: list[Row]) -> bool:
    return any(name in row["seconds"] for row in rows)


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def time_of(name: str, row: Row) -> str:
    """Of zoo's: milliseconds, with the middle half of the rounds; of another's: times as long."""
    if name not in row["seconds"]:
        return "–"
    if name in row["ratios"]:
        return f"{row['ratios'][name]:.2f} ×"
    low, high = row["spread"][name]
    return f"{number(row['seconds'][name] * 1e3)} ms ({number(low * 1e3)} to {number(high * 1e3)})"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def difference(steps: list[float]) -> str:
    return f"{max(steps):.0e}" if max(steps) else "0"


def absences(rows: list[Row]) -> list[str]:
    """A line for each contender that is missing somewhere, unless nobody asked for it."""
    told: dict[str, list[str]] = {}
    for row in rows:
        for name, reason in row["absent"].items():
            if reason != "not asked for":
                told.setdefault(f"- {name}: {reason}", []).append(row["workload"])
    everywhere = len(rows)
    lines = [text if len(where) == everywhere else f"{text} ({', '.join(where)})" for text, where in told.items()]
    return ["", "Not measured:", "", *lines] if lines else []
