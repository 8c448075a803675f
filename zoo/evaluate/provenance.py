"""Where a number comes from: whatever it hangs on, so that those alone are compared that compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from zoo.evaluate.context import ComparedContext
from zoo.evaluate.measuring import Measured
from zoo.metric import Estimate, Metric
from zoo.run.scores import Score, Scores

MEASURES = 2
"""The version of the measures: grows with whatever changes their numbers."""


def provenance(context: ComparedContext, with_features: bool) -> dict[str, Any]:
    """What the numbers of one context hang on. `with_features`: whether they do on a feature network."""
    from zoo import __version__

    real = context.comparison
    found: dict[str, Any] = {"measures": MEASURES}
    if with_features:
        network = context.network
        found |= {"extractor": network.name, "extractor_sha256": network.sha256, "resize": network.resize}
    return found | {
        "samples": context.samples,
        "real": len(real.places),
        "shape": list(context.spec.shape),
        "seed": context.seed,
        "truncation": context.truncation,
        "averaged": context.averaged,
        "data": real.source.opened_as or context.data,
        "fingerprint": real.fingerprint,
        "split": real.source.read_with.get("split"),
        "fit": real.fit,
        "zoo": __version__,
        "torch": torch.__version__,
    }


def scores_of(measured: Measured, metrics: Sequence[Metric], step: int) -> Scores:
    """What was measured, with its provenance: that of most metrics, and apart what is other for some."""
    by_features = {metric.name for metric in metrics if metric.uses_features}
    made_by = {metric.name: metric.made_by for metric in metrics}
    each: dict[str, dict[str, Any]] = {}
    made: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, context in measured.contexts.items():
        key = (id(context), name in by_features)
        made.setdefault(key, {})
        if not made[key]:
            made[key] = provenance(context, name in by_features)
        each[name] = made[key] | ({"metric": made_by[name]} if made_by[name] else {})
    common = max(made.values(), key=lambda found: ("extractor" in found, found["samples"])) if made else {}
    apart = {name: _other(found, common) for name, found in each.items()}
    scores = {name: as_scores(numbers) for name, numbers in measured.numbers.items()}
    return Scores(step, scores, common, {name: found for name, found in apart.items() if found})


def as_scores(numbers: Mapping[str, float | Estimate]) -> dict[str, Score]:
    """A metric's numbers as they are written."""
    return {
        name: Score(of.value, of.low, of.high, of.floor) if isinstance(of, Estimate) else Score(of)
        for name, of in numbers.items()
    }


def _other(found: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as in `common`; None for what is only there."""
    return {name: found.get(name) for name in {**common, **found} if found.get(name) != common.get(name)}
