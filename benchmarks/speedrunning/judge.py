"""How far from real the pictures of a snapshot are: `zoo.evaluate`, the same for every contender."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import zoo
from speedrunning.data import DataSet
from speedrunning.snapshots import Snapshot


def judge(data: DataSet, place: str, folder: Path, snapshot: Snapshot, last: bool = False) -> dict[str, Any]:
    """The Fréchet distance of the snapshot's pictures, and how many times that of real halves it is, with its interval.

    Of the `last` one recall too, and the share of its pictures that are copies, by their features, beside that of real ones.
    """
    logging.getLogger("zoo").setLevel(logging.ERROR)  # that few pictures have no unbiased distance is told of each
    metrics = ["frechet", "precision_recall", "copies"] if last else ["frechet"]
    evaluation = zoo.evaluate(folder / snapshot.pictures, against=place, metrics=metrics, save=False)
    over, distance = (evaluation["frechet"][number] for number in ("over_floor", "distance"))
    return {
        "step": snapshot.step,
        "seconds": snapshot.seconds,
        "over_floor": round(over.value, 4),
        "low": round(over.low, 4),
        "high": round(over.high, 4),
        "distance": round(distance.value, 4),
        **(_variety(evaluation) if last else {}),
    }


def _variety(evaluation: Any) -> dict[str, Any]:
    recall, copies = evaluation["precision_recall"]["recall"], evaluation["copies"]["features"]
    return {"recall": round(recall.value, 4), "copies": round(copies.value, 4), "real_copies": round(copies.floor, 4)}
