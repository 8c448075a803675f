"""Decides what is drawn: how many, of which classes, and from how many candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.errors import OptionError
from zoo.generate.request import EACH


@dataclass(frozen=True)
class Plan:
    """`total` candidates are drawn, `keep` of them are kept: the classes and seed numbers of each, asked for by place.

    Nothing here grows with the counts but the seed numbers that were given.
    """

    keep: int
    total: int
    classes: int = 0
    """How many there are; 0 where pictures have none."""
    cycle: Tensor | None = None
    """The classes that were asked for, int64, which repeat; None for every class."""
    numbers: list[int] | None = None
    """The seed numbers that were given."""
    all_classes: bool = False

    @property
    def row(self) -> int | None:
        """Images of one class, where the classes come one after the other."""
        return self.keep // self.classes if self.all_classes else None

    def seeds(self, places: Tensor) -> list[int] | None:
        """The seed numbers of some candidates, where they have them; with all classes those given repeat for each."""
        if self.numbers is None:
            return None
        return [self.numbers[place] for place in (places % len(self.numbers)).tolist()]

    def labels(self, places: Tensor) -> Tensor | None:
        """The classes of some candidates, int64, where there are classes.

        The candidates of a batch repeat the classes that are wanted. Candidates with seed numbers have the classes asked for
        in the order of the numbers, or else each the class of its number, which is the number modulo their count.
        """
        if not self.classes:
            return None
        if self.numbers is None:
            return self._wanted(places % self.keep)
        if self.all_classes:
            return places // len(self.numbers)
        if self.cycle is not None:
            return self.cycle[places % len(self.cycle)]
        return torch.tensor(self.seeds(places), dtype=torch.int64) % self.classes

    def wanted(self) -> Tensor | None:
        """The classes of what is kept, int64 (keep,)."""
        places = torch.arange(self.keep)
        if not self.classes or (self.numbers is not None and not self.all_classes):
            return self.labels(places)
        return self._wanted(places)

    def turns(self, start: int, labels: Tensor | None) -> bool:
        """Whether every class comes in turn, in pictures of these labels from `start` on, because no others were asked for."""
        if labels is None or self.all_classes or self.cycle is not None:
            return False
        return torch.equal(labels, torch.arange(start, start + len(labels)) % self.classes)

    def _wanted(self, places: Tensor) -> Tensor:
        if self.all_classes:
            return places // (self.keep // self.classes)
        return places % self.classes if self.cycle is None else self.cycle[places % len(self.cycle)]


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
