"""What is told of an architecture that was chosen for data: what, why, how long, and how to have another."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from zoo.engine.forecast import describe_plan
from zoo.engine.plan import RunPlan
from zoo.engine.recommending import Choice
from zoo.options.length import unit
from zoo.options.resolve import flag


def describe_choice(choice: Choice, plan: RunPlan, given: Mapping[str, Any]) -> list[str]:
    """Three lines on an architecture that was chosen for data: what, why, and how to have another.

    `given`: what was given by hand, by name, of ``zoo train``, without ``--out``.
    """
    found, architecture, options = choice.recommendation, plan.architecture, plan.options
    by_hand = given.get("preset") is not None or given.get("config") is not None
    if found is None:
        why = f"{architecture.name} is the architecture of the run that it begins with"
    elif plan.preset == (found.preset or plan.preset):
        why = f"{_content(plan)}; {found.reason}"
    else:
        why = f"{_content(plan)}, for which {architecture.name} has preset {found.preset} where none is asked for"
    if plan.fitted.get("precision") == "bfloat16":
        why += "; in bfloat16, which this processor multiplies faster"
    ends = options.steps if unit(options) == "steps" else math.inf
    first = plan.first_shapes if plan.first_shapes and plan.first_shapes < ends else None
    shapes = f"first shapes after some {first:,} steps, in a moment the time too; " if first else ""
    typed: dict[str, Any] = {} if plan.preset is None or found is None else {"preset": plan.preset}
    typed |= {} if by_hand or found is None else dict(found.options)
    typed |= {**plan.fitted, **{name: value for name, value in given.items() if value is not None}}
    words = shlex.join(["zoo", "train", architecture.name, *as_flags({"data": choice.data, **typed})])
    others = f"; others that offer themselves: {', '.join(choice.others)}" if choice.others else ""
    return [
        f"{architecture.name}, {describe_plan(plan, by_hand=True)}",
        f"why: {why}",
        f"{shapes}the same by hand: {words}{others} (zoo list)",
    ]


def as_flags(options: Mapping[str, Any]) -> list[str]:
    """Options by name as they are typed; those that are None are left out.

    >>> as_flags({"data": "./a b", "flip": True, "augment": ("colour", "cutout"), "size": None, "batch_size": 8})
    ['--data', './a b', '--flip', '--augment', 'colour', 'cutout', '--batch-size', '8']
    """
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        elif value is not None:
            several = isinstance(value, (tuple, list))
            words += [flag("from" if name == "from_run" else name), *map(str, value if several else [value])]
    return words


def _content(plan: RunPlan) -> str:
    """What there is to learn from: ``3,800 pictures of 12 classes``."""
    count, classes = len(plan.source), plan.source.classes
    what = f"{count:,} {'points' if plan.spec.points else 'pictures' if count != 1 else 'picture'}"
    if not classes:
        return f"{what} without labels"
    if plan.architecture.conditional:
        return f"{what} of {classes:,} classes"
    return f"{what}, whose {classes:,} classes play no part (some {max(1, round(count / classes)):,} of each)"
