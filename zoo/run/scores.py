"""scores.jsonl: what evaluations of a run's checkpoints found, one JSON object per evaluation, each with its provenance.

    {"step": 2500, "scores": {METRIC: {NUMBER: {"value": …, "low": …, "high": …, "floor": …}}}, "provenance": {…}}

`low`, `high` and `floor` are null where they are not known, and `value` where it is no number. Scores are only compared where
their provenances allow it: `incomparable`.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.run.files import flush, writing
from zoo.run.journal import truncate
from zoo.run.lines import chunks, parse, reading_lines
from zoo.run.place import check_path
from zoo.system.reading import open_plain

log = logging.getLogger(__name__)

SCORES = "scores.jsonl"

DURING = "during"
"""What of a provenance says that a training has measured it."""

_MOSTLY = 0.5
"""The share of copies from which on pictures are not what a generator has made of the data."""

DECISIVE: Mapping[str, str] = {
    "measures": "version of the measures",
    "metric": "plugin of the metric",
    "extractor": "extractor",
    "extractor_sha256": "hash of the extractor's weights",
    "resize": "resizing",
    "shape": "shape of the images",
    "samples": "number of samples",
    "real": "number of real images",
    "fingerprint": "data",
    "split": "split of the data",
    "fit": "way of cropping real images",
    "truncation": "truncation",
}
"""What of a provenance has to be equal for scores to compare, in words. The rest (seeds, versions, weights) may differ."""


@dataclass(frozen=True)
class Score:
    """One number with its interval of 95 % and its floor, as far as they are known."""

    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Scores:
    """What one evaluation found: by metric and number; of metrics that took other samples than the rest, what differs in the
    provenance is among `apart`."""

    step: int
    scores: Mapping[str, Mapping[str, Score]]
    provenance: Mapping[str, Any]
    apart: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, metric: str, number: str) -> Score | None:
        """One number; None where it was not computed."""
        return self.scores.get(metric, {}).get(number)

    def provenance_of(self, metric: str) -> dict[str, Any]:
        """That of one metric's numbers."""
        return {**self.provenance, **self.apart.get(metric, {})}

    @property
    def while_training(self) -> bool:
        """Whether the training itself has measured it, and not ``zoo evaluate``."""
        return self.provenance.get(DURING) == "training"

    def as_json(self) -> dict[str, Any]:
        """As a line of the file has it."""
        scores = {
            metric: {name: {key: _number(value) for key, value in asdict(score).items()} for name, score in of.items()}
            for metric, of in self.scores.items()
        }
        found = {"step": self.step, "scores": scores, "provenance": dict(self.provenance)}
        return found | ({"apart": {name: dict(of) for name, of in self.apart.items()}} if self.apart else {})


def remarks(scores: Scores) -> list[str]:
    """What has to be known before other scores are believed, a sentence each: that it is training images that were judged."""
    copies = scores.of("copies", "pixels")
    if copies is None or copies.value is None or copies.value < _MOSTLY:
        return []
    return [
        f"{copies.value:.0%} of these pictures are training images, or all but: their distances, however low, say nothing of how "
        "good a generator is."
    ]


def write_scores(run: Path, scores: Scores) -> None:
    """Append a line to a run's scores. Raises RunError where that fails."""
    path = run / SCORES
    line = json.dumps(scores.as_json(), allow_nan=False) + "\n"
    with writing(path):
        ends = True
        new = not path.exists()
        if not new:
            with open_plain(path) as before:
                before.seek(0, os.SEEK_END)
                if before.tell():
                    before.seek(-1, os.SEEK_END)
                    ends = before.read(1) == b"\n"
        with path.open("a", encoding="utf-8") as file:  # in one piece: two that evaluate at once mix no lines
            file.write(line if ends else f"\n{line}")
            file.flush()
            os.fsync(file.fileno())
        if new:
            flush(path.parent)  # its name is to be on the disk too


def cut_scores(run: Path, step: int) -> None:
    """Leave out the scores of steps after `step`: a run that goes on from there comes to them again. Raises RunError."""
    path = run / SCORES
    if path.exists() and (note := truncate(path, step, lambda line: parse(line) if _understood(line) else None)):
        log.warning(note)


def read_scores(run: Path | str) -> list[Scores]:
    """The scores of a run, in the order in which they were written; lines that are damaged, or cut off, are left out.

    Raises RunError where there is something else in the place of the file, or it cannot be read.
    """
    path = check_path(run, "a run's folder") / SCORES
    return [scores for line in _lines(path) if (scores := _understood(line)) is not None]


def score_faults(run: Path) -> list[str]:
    """What is wrong with a run's scores: how many lines are damaged; none where there are no scores. One at the end that was cut
    off is no line. Raises RunError where the file cannot be read."""
    path = run / SCORES
    damaged = sum(_understood(line) is None for line in _lines(path) if line.strip())
    return [f"{damaged} line{'' if damaged == 1 else 's'} that cannot be read"] if damaged else []


def _lines(path: Path) -> Iterator[bytes]:
    with reading_lines(path), open_plain(path) as file:
        for chunk in chunks(file):
            yield from chunk.splitlines()


def _understood(line: bytes) -> Scores | None:
    """What a line says; None where it is damaged."""
    found = parse(line) or {}
    step, metrics, provenance = found.get("step"), found.get("scores"), found.get("provenance")
    if (
        isinstance(step, bool)
        or not isinstance(step, int)
        or not isinstance(metrics, dict)
        or not isinstance(provenance, dict)
    ):
        return None
    apart = found.get("apart", {})
    if not isinstance(apart, dict) or not all(isinstance(each, dict) for each in apart.values()):
        return None
    scores: dict[str, dict[str, Score]] = {}
    for metric, numbers in metrics.items():
        if not isinstance(numbers, dict) or not all(isinstance(each, dict) for each in numbers.values()):
            return None
        names = Score.__dataclass_fields__
        if not all(of.get(name) is None or _number(of[name]) is not None for of in numbers.values() for name in names):
            return None  # NaN, say, which no zoo writes
        scores[metric] = {name: Score(**{key: _number(of.get(key)) for key in names}) for name, of in numbers.items()}
    return Scores(step, scores, provenance, apart)


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def incomparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What keeps the scores of two provenances from being compared, in words: ``extractor (digits, random)``. Empty where they
    compare."""
    return [
        f"{words} ({_shown(one.get(name))}, {_shown(other.get(name))})"
        for name, words in DECISIVE.items()
        if one.get(name) != other.get(name)
    ]


def refuse_incomparable(one: Mapping[str, Any], other: Mapping[str, Any], what: str) -> None:
    """Raise RunError where two provenances do not compare, with what differs. `what`: whose scores they are, in words."""
    if found := incomparable(one, other):
        raise RunError(f"{what} do not compare: they differ in {'; '.join(found)}; evaluate both alike (zoo evaluate)")


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > 20:
        return f"{value[:12]}…"
    return "none" if value is None else str(value)
