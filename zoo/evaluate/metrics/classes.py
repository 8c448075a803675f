"""The metric ``classes``. Importing this imports no torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext
from zoo.system.names import listed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)

SHOWN = 20
"""Classes up to which each has a number of its own."""

FEWEST = 10
"""Images of a class, of either kind, below which it has no score."""


class ClassScores(FeatureMetric):
    """Of labelled data: whether a sample looks like the class that was asked for, which classes come too seldom, and how near the
    samples of each class are to its real images. Which class a sample looks like is that of most of its 5 nearest real images, by
    their features; the distance is the kernel distance of `kid`."""

    name = "classes"
    order = 60
    summary = "Of labelled data: whether samples look like the class asked for, and the kernel distance of each class."
    numbers: ClassVar[Mapping[str, str]] = {
        "accuracy": "share of samples that look like the class that was asked for",
        "imbalance": "share of samples that would have to be of other classes for these to be as frequent as in the data",
        "rarest": "share of the class that comes most seldom, over its share of the data",
        "worst": "kernel distance of the class that is farthest from its real images",
    }
    best: ClassVar[Mapping[str, Best]] = {"accuracy": "highest", "imbalance": "lowest", "worst": "lowest"}

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`: data without labels too."""
        if reason := super().unsuited(context):
            return reason
        if context.source.classes < 2:
            why = getattr(context.source, "why_unlabelled", "")
            return f"it compares classes, and the data has no labels{f' ({why})' if why else ''}"
        if unknown := context.unknown_classes:
            return (
                f"the real images have no class {unknown[0]!r}, which generated ones have: theirs are "
                f"{listed(context.real_class_names)}; classes are compared by their names"
            )
        return None

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`; `accuracy` where samples were asked for by class, `class_NAME` for each of up to 20 classes."""
        import numpy as np

        from zoo.evaluate.measures.frequencies import imbalance, rarest
        from zoo.evaluate.measures.intervals import share
        from zoo.evaluate.measures.labels import classes_of, counts

        seen = context.features
        assert context.real_labels is not None
        truth, names = context.real_labels.numpy(), context.real_class_names
        looks = classes_of(seen.fakes, seen.real, truth)
        one, other = seen.halves_of
        other = other[: len(looks)]

        def of_real() -> tuple[float, float, float]:
            """The same of as many images of one half, against the other."""
            again = classes_of(seen.real[other], seen.real[one], truth[one])
            both = counts(again, len(names)), counts(truth[one], len(names))
            of_halves = imbalance(*both, np.random.default_rng(context.seed)), rarest(*both)
            return float((again == truth[other]).mean()), of_halves[0].value, of_halves[1].value

        floors = seen.once(f"classes.floors.{len(other)}", of_real)
        found: dict[str, float | Estimate] = {}
        asked = None if context.labels is None else context.labels.numpy()
        if asked is not None:
            found["accuracy"] = share(int((looks == asked).sum()), len(looks), floors[0])
        both = counts(looks, len(names)), counts(truth, len(names))
        found["imbalance"] = Estimate(*imbalance(*both, np.random.default_rng(context.seed)), floors[1])
        found["rarest"] = Estimate(*rarest(*both), floors[2])
        return found | self._distances(context, looks if asked is None else asked)

    def _distances(self, context: EvaluationContext, kind: npt.NDArray[np.int64]) -> dict[str, float | Estimate]:
        """`worst` and those of each class, of generated images of such kinds."""
        from zoo.evaluate.measures.intervals import around, together
        from zoo.evaluate.measures.kernel import kernel_distance, sums_within

        seen = context.features
        assert context.real_labels is not None
        truth, names = context.real_labels.numpy(), context.real_class_names
        one, other = (half[: len(kind)] for half in seen.halves_of)

        def within_class(label: int) -> tuple[npt.NDArray[np.float64], float | None]:
            """The sums of all of a class, and the distance of those in one half to those in the other."""
            few = [seen.real[half[truth[half] == label]] for half in (one, other)]
            floor = kernel_distance(*few).value if min(map(len, few)) >= FEWEST // 2 else None
            return sums_within(seen.real[truth == label]), floor

        of_class: dict[str, tuple[float, float, float | None]] = {}
        for label, name in enumerate(names):
            fakes, real = seen.fakes[kind == label], seen.real[truth == label]
            if min(len(fakes), len(real)) >= FEWEST:
                sums, floor = seen.once(f"classes.{label}.{len(one)}", partial(within_class, label))
                of_class[name] = (*kernel_distance(fakes, real, sums), floor)
        if not of_class:
            why = f"classes has no distances: no class has {FEWEST} images of either kind"
            seen.once("classes.too_few", lambda: log.warning(why))
            return {}
        # The worst of several is so by chance, too: its interval is that of the worst of intervals that hold all at once.
        z = together(len(of_class))
        values, lows, highs = zip(
            *((value, value - z * error, value + z * error) for value, error, _ in of_class.values()), strict=True
        )
        floor = max((least for *_, least in of_class.values() if least is not None), default=None)
        found: dict[str, float | Estimate] = {"worst": Estimate(max(values), max(lows), max(highs), floor)}
        if len(names) <= SHOWN:
            found |= {f"class_{name}": around(*each) for name, each in of_class.items()}
        return found
