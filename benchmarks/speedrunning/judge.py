"""How far from real the pictures of a snapshot are: `zoo.evaluate`, the same for every contender."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import zoo
from speedrunning.data import DataSet
from speedrunning.snapshots import Snapshot


def judge(data: DataSet, place: str, folder: Path, snapshot: Snapshot) -> dict[str, Any]:
    """The Fréchet distance of the snapshot's pictures, and how many times that of real halves it is, with its interval."""
    logging.getLogger("zoo").setLevel(logging.ERROR)  # that few pictures have no unbiased distance is told of each
    evaluation = zoo.evaluate(folder / snapshot.pictures, against=place, metrics=["frechet"], save=False)
    over, distance = (evaluation["frechet"][number] for number in ("over_floor", "distance"))
    return {
        "step": snapshot.step,
        "seconds": snapshot.seconds,
        "over_floor": round(over.value, 4),
        "low": round(over.low, 4),
        "high": round(over.high, 4),
        "distance": round(distance.value, 4),
    }
