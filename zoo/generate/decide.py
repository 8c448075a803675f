"""From a request for pictures to the drawing of it: what does not fit is refused, the rest is decided, candidates are ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.errors import OptionError
from zoo.generate.classes import Classes, Labels
from zoo.generate.drawing import Drawing, Rows
from zoo.generate.latent.numbers import check_numbers
from zoo.generate.latent.stream import BLOCK, LatentStream
from zoo.generate.plan import Plan, counts
from zoo.generate.ranking import best, logits_of
from zoo.generate.request import check_best_of, check_count, check_seed, check_start, check_truncation
from zoo.generate.sampling import BATCH
from zoo.options import Options
from zoo.system.memory import need_memory


class Drawer(Protocol):
    """What a `zoo.Generator` is here."""

    network: nn.Module
    options: Options
    spec: DataSpec
    class_names: list[str]
    classes: Classes

    @property
    def discriminator(self) -> nn.Module:
        """The network that ranks."""

    def latents(
        self,
        n: int | None = None,
        seed: int = 0,
        *,
        seeds: Iterable[int] | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """The latents of seed numbers."""


def decide(
    generator: Drawer,
    n: int | None,
    seed: int,
    labels: Labels,
    seeds: Iterable[int] | None,
    best_of: int,
    truncation: float | None,
    all_classes: bool,
    start: int,
    at_once: int | None = None,
) -> Drawing:
    """The drawing of a request, whose arguments and errors are those of `zoo.Generator.sample`.

    `at_once`: how many pictures will be in memory at a time; by default all.
    """
    check_best_of(best_of)
    check_start(start)
    check_seed(seed)
    check_truncation(truncation, generator.options.latent_distribution)
    check_one(n, seeds)
    if all_classes and labels is not None:
        raise OptionError("labels and all_classes both say which classes to draw; give one of them")
    if all_classes:
        generator.classes.need()
    given = generator.classes.indices(labels)
    numbers = None if seeds is None else check_numbers(seeds)
    keep, total = counts(
        n,
        0 if given is None else len(given),
        None if numbers is None else len(numbers),
        len(generator.class_names),
        best_of,
        all_classes,
    )
    if numbers is None and best_of == 1 and not all_classes:  # which goes on without end
        keep, total = start + keep, start + total
    if start >= keep:
        raise OptionError(
            f"start {start}: there are {keep} of them, 0 to {keep - 1}; give a smaller one, or ask for more"
        )
    ranking = total * 40 + keep * 8 * generator.options.latent if best_of > 1 else 0
    need_memory(bytes_of(generator, min(at_once or keep, keep - start)) + ranking, "ask for fewer pictures at once")
    plan = Plan(keep, total, len(generator.class_names), given, numbers, all_classes)
    rows = _latents(generator, plan, int(seed), truncation)
    if best_of == 1:
        return Drawing(plan, start, keep, rows())
    chosen, kept = _rank(
        plan, rows, lambda z, y: logits_of(generator.network, generator.discriminator, z, y), generator.options.latent
    )
    return Drawing(plan, start, keep, lambda first, last: kept[first:last], chosen)


def bytes_of(generator: Drawer, latents: int, images: int | None = None) -> int:
    """What it takes to hold so many latents with their labels and numbers, and to draw (as many) images."""
    drawn = latents if images is None else images
    return latents * (8 * generator.options.latent + 16) + drawn * 16 * generator.spec.numel


def check_one(n: int | None, seeds: object) -> None:
    """Raise OptionError for a number of pictures that is none, or that comes beside seed numbers."""
    if n is not None:
        check_count(n)
        if seeds is not None:
            raise OptionError("n and seeds both say how many to draw; give one of them")


def _latents(generator: Drawer, plan: Plan, seed: int, truncation: float | None) -> Callable[[], Rows]:
    """The latents of a plan's candidates, to be gone through any number of times."""
    options = generator.options
    if plan.numbers is not None:
        return lambda: (
            lambda first, last: generator.latents(seeds=plan.seeds(torch.arange(first, last)), truncation=truncation)
        )
    if plan.total == 1:  # the picture of a seed number
        return lambda: lambda first, last: generator.latents(1, seed, truncation=truncation)
    return lambda: LatentStream(seed, options.latent, options.latent_distribution, truncation).rows


def _rank(
    plan: Plan, latents: Callable[[], Rows], logits: Callable[[Tensor, Tensor | None], Tensor], size: int
) -> tuple[Tensor, Tensor]:
    """Which of the candidates are kept, int64 (keep,), and their latents (keep, size).

    All candidates are gone through twice, so that only their logits and the latents of those that are kept are in memory.
    """
    found = []
    rows = latents()
    for start in range(0, plan.total, BATCH):
        stop = min(start + BATCH, plan.total)
        found.append(logits(rows(start, stop), plan.labels(torch.arange(start, stop))))
    chosen = best(torch.cat(found), plan.keep, plan.labels(torch.arange(plan.total)), plan.wanted())
    order = torch.argsort(chosen)
    ascending = chosen[order]
    kept = torch.empty(plan.keep, size)
    rows = latents()
    for start in range(0, plan.total, BLOCK):
        low, high = torch.searchsorted(ascending, torch.tensor([start, start + BLOCK])).tolist()
        if low < high:
            part = rows(start, min(start + BLOCK, plan.total))
            kept[order[low:high]] = part[ascending[low:high] - start]
    return chosen, kept
