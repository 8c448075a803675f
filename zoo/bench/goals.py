"""What the ops are meant to reach, and whether they did in these rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zoo.bench.sidebyside import Row


@dataclass(frozen=True)
class Verdict:
    """One goal on one workload. `reached` compares `value` with `goal`."""

    workload: str
    claim: str
    goal: float
    value: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        return self.value <= self.goal if self.at_most else self.value >= self.goal


NORMALISED = ((64, 64, 32, 32), (64, 128, 16, 16))  # on a CPU, in channels_last
LARGE = 1 << 25  # elements: more than the L2 cache of a GPU holds


def verdicts(rows: Iterable[Row]) -> list[Verdict]:
    """The goals that these rows say something about; only native ops have goals."""
    found: list[Verdict] = []
    for row in rows:
        if row.served_by == "native" and row.direction == "forward+backward":
            found += _on_gpu(row) if row.device.startswith("cuda") else _on_cpu(row)
    return found


def _on_cpu(row: Row) -> list[Verdict]:
    w = row.workload
    title = f"{w.op} {w.size} {w.what}"
    if w.op == "batch_norm_act" and w.shape in NORMALISED and w.layout == "channels_last":
        return [*_faster(row, title, 2.5, 1.3), *_bandwidth(row, title, 0.8)]
    if w.op in ("discriminator_loss", "generator_loss") and 64 <= w.numel <= 4096:
        ours, eager = row.footprints["ours"].dispatched, row.footprints["eager"].dispatched
        share = Verdict(title, "dispatched ops, as a share of eager's", 1 / 3, ours / eager, at_most=True)
        return [*_faster(row, title, 3.0, None), share]
    return []


def _on_gpu(row: Row) -> list[Verdict]:
    w = row.workload
    title = f"{w.op} {w.size} {w.what}"
    if w.op not in ("batch_norm_act", "bias_act", "discriminator_loss", "generator_loss"):
        return []
    large = w.numel >= LARGE
    return [*_faster(row, title, 1.0, 1.5 if large else None), *(_bandwidth(row, title, 0.85) if large else [])]


def _faster(row: Row, title: str, eager: float, compiled: float | None) -> list[Verdict]:
    found = [Verdict(title, "times as fast as eager", eager, row.ratios["eager"])]
    if compiled is not None and "compile" in row.ratios:
        found.append(Verdict(title, "times as fast as torch.compile", compiled, row.ratios["compile"]))
    return found


def _bandwidth(row: Row, title: str, goal: float) -> list[Verdict]:
    return [] if row.bandwidth is None else [Verdict(title, "of the copy bandwidth", goal, row.bandwidth)]
