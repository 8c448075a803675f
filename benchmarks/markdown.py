"""Turns the JSON of ``zoo bench --json FILE`` into the tables of docs/performance.md: python benchmarks/markdown.py FILE."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.bench.report import duration, percent, sizes, times

NORMALISED = ("batch_norm_act", "bias_act")
LOSSES = ("discriminator_loss", "generator_loss")
LAYERS = ("conv2d_act", "conv_transpose2d_act", "linear_act")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; the first two columns are words, the others numbers."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    return "\n".join([*lines, *["| " + " | ".join(row) + " |" for row in rows]])


def input_of(row: dict[str, Any]) -> str:
    return f"{'×'.join(map(str, row['shape']))} {row['what']}"


def passes(rows: list[dict[str, Any]], direction: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["direction"] == direction]


def memory_bound(rows: list[dict[str, Any]]) -> str:
    head = ["op", "input", "ours", "eager ×", "compile ×", "of copy", "memory"]
    lines = [
        [row["op"], input_of(row), duration(row["seconds"]["ours"]), times(row["ratios"].get("eager")),
         times(row["ratios"].get("compile")), percent(row["share_of_copy_bandwidth"]),
         sizes(*(row["peak_bytes"][who] for who in ("ours", "eager")))]
        for row in rows
    ]  # fmt: skip
    return table(head, lines)


def losses(rows: list[dict[str, Any]]) -> str:
    head = ["loss", "logits", "ours", "eager ×", "loss alone ×", "compile ×", "ops"]
    lines = [
        [row["op"], input_of(row), duration(row["seconds"]["ours"]), times(row["ratios"].get("eager")),
         times(row["ratios"].get("eager, loss alone")), times(row["ratios"].get("compile")),
         "/".join(str(row["dispatched_ops"][who]) for who in ("ours", "eager"))]
        for row in rows
    ]  # fmt: skip
    return table(head, lines)


def steps(rows: list[dict[str, Any]]) -> str:
    head = ["training step", "batch", "ours", "reference ×", "torch.nn ×", "torch.nn compiled ×"]
    lines = [
        [f"{row['architecture']} {row['what']}".strip(), str(row["batch_size"]), duration(row["seconds"]["ours"]),
         *(times(row["ratios"].get(who)) for who in ("reference", "eager", "compile"))]
        for row in rows
    ]  # fmt: skip
    return table(head, lines)


def assembly(rows: list[dict[str, Any]]) -> str:
    head = ["batch", "layout", "ours", "NumPy ×", "of a step"]
    lines = [
        ["×".join(map(str, row["shape"])), row["layout"], duration(row["seconds"]["ours"]),
         times(row["ratios"]["reference"]), percent(row["share_of_step"], 2)]
        for row in rows
    ]  # fmt: skip
    return table(head, lines)


def goals(rows: list[dict[str, Any]]) -> str:
    head = ["workload, forward+backward", "goal", "wanted", "measured", ""]
    lines = [
        [row["workload"], row["claim"], f"{'≤' if row['at_most'] else '≥'} {row['goal']:.2f}", f"{row['value']:.2f}",
         "reached" if row["reached"] else "**missed**"]
        for row in rows
    ]  # fmt: skip
    return table(head, lines)


def document(content: dict[str, Any]) -> str:
    """Every table, under headings."""
    parts = ["### Goals", goals(content["goals"])]
    for direction in ("forward+backward", "forward"):
        rows = passes(content["ops"], direction)
        parts += [
            f"### Normalisation and bias, {direction}",
            memory_bound([row for row in rows if row["op"] in NORMALISED]),
            f"### Losses, {direction}",
            losses([row for row in rows if row["op"] in LOSSES]),
            f"### Layers, {direction}",
            memory_bound([row for row in rows if row["op"] in LAYERS]),
        ]
    parts += ["### Training steps", steps(content["training_steps"])]
    parts += ["### Batch assembly", assembly(content["batch_assembly"])]
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(document(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
