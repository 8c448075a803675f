"""``zoo check NAME`` for a metric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import tyro

from zoo.cli.arguments import parse
from zoo.cli.console import standard_output
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry


@dataclass
class CheckMetric:
    """Check that a metric keeps its promises, on pictures of the DCGAN that comes with zoo, or on colour
    pictures of three classes where those do not suit it: exit code 0 where it does, else 1."""

    name: tyro.conf.Positional[str]
    """The metric, as zoo evaluate --metric takes it."""
    only: tuple[str, ...] = ()
    """Run these alone: documented, repeats, finite, ordered, best."""
    json: bool = False
    """Print what was found as JSON, and nothing else."""


def is_metric(name: str) -> bool:
    """Whether a metric is meant, and no architecture."""
    return name in registry().names_of(METRIC) and name not in registry().names


def run(arguments: Sequence[str]) -> int:
    """Check; returns the exit code."""
    given = parse(CheckMetric, "check", arguments)
    from zoo.testing.metrics import check_metric

    outcomes = check_metric(given.name, only=given.only or None)
    if given.json:
        print(json.dumps({"metric": given.name, "checks": [each.as_json() for each in outcomes]}, indent=2))
        return int(any(each.failure for each in outcomes))
    console = standard_output()
    for each in outcomes:
        says = each.reason or (each.failure.found if each.failure else each.sentence)
        console.print(f"{each.state:<7}  {each.check:<10}  {says}", markup=False, soft_wrap=True)
    for each in outcomes:
        if each.failure:
            console.print(f"\n{each}", markup=False, soft_wrap=True)
    return int(any(each.failure for each in outcomes))
