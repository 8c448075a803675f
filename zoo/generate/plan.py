"""Decides what is drawn: how many, of which classes, and from how many candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.errors import OptionError
from zoo.generate.request import EACH


@dataclass(frozen=True)
class Plan:
    """`total` candidates are drawn, `keep` of them are kept."""

    keep: int
    total: int
    seeds: list[int] | None = None
    """The candidates' seed numbers, where they have them."""
    labels: Tensor | None = None
    """The candidates' classes, int64 (total,), where there are classes."""
    wanted: Tensor | None = None
    """The classes of what is kept, int64 (keep,)."""
    row: int | None = None
    """Images of one class, where the classes come one after the other."""
    turns: bool = False
    """Whether every class comes in turn because no others were asked for."""


def counts(
    n: int | None, labels: int, numbers: int | None, classes: int, best_of: int, all_classes: bool
) -> tuple[int, int]:
    """How many to keep, and of how many; `labels` and `numbers` say how many of those were given.

    Raises OptionError for fewer numbers than one of `best_of` can be kept of, and for more labels than pictures.
    """
    times = classes if all_classes else 1
    if numbers is None:
        each = n if n is not None else (EACH if all_classes else labels or 1)
        kept, drawn = each * times, each * times * best_of
    elif numbers < best_of:
        raise OptionError(
            f"the best of {best_of} is one seed of every {best_of}, and {numbers} were given; give at least {best_of}"
        )
    else:
        kept, drawn = numbers // best_of * times, numbers * times
    if labels > kept:
        raise OptionError(
            f"{labels} labels were given for {kept} pictures; draw at least {labels}, or give fewer labels"
        )
    return kept, drawn


def plan(
    keep: int,
    total: int,
    labels: Tensor | None,
    numbers: list[int] | None,
    classes: int,
    all_classes: bool,
) -> Plan:
    """The plan for these counts. `labels`: the classes asked for, to be repeated; None for every class.

    The candidates of a batch repeat the classes that are wanted. Candidates with seed numbers have the classes asked for
    in the order of the numbers, or else each the class of its number, which is the number modulo `classes`.
    """
    if not classes:
        return Plan(keep, total, numbers)
    every = torch.arange(classes)
    if all_classes:
        row = keep // classes
        wanted = every.repeat_interleave(row)
        if numbers is None:
            return Plan(keep, total, None, _repeated(wanted, total), wanted, row)
        return Plan(keep, total, numbers * classes, every.repeat_interleave(len(numbers)), wanted, row)
    if numbers is None:
        wanted = _repeated(every if labels is None else labels, keep)
        return Plan(keep, total, None, _repeated(wanted, total), wanted, turns=labels is None)
    found = torch.tensor(numbers) % classes if labels is None else _repeated(labels, total)
    wanted = found[:keep]
    turns = labels is None and torch.equal(wanted, _repeated(every, keep))
    return Plan(keep, total, numbers, found, wanted, turns=turns)


def _repeated(values: Tensor, count: int) -> Tensor:
    return values.repeat(-(-count // len(values)))[:count]
