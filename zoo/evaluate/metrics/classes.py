"""The metric ``classes``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.evaluate.metrics.feature_metric import FeatureMetric
from zoo.metric import Best, Estimate, EvaluationContext
from zoo.system.names import listed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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

        from zoo.evaluate.measures.intervals import around, share
        from zoo.evaluate.measures.kernel import kernel_distance, sums_within
        from zoo.evaluate.measures.labels import classes_of, shares

        seen = context.features
        assert context.real_labels is not None
        truth, names = context.real_labels.numpy(), context.real_class_names
        looks = classes_of(seen.fakes, seen.real, truth)
        one, other = seen.halves_of
        again = seen.once("classes.again", lambda: classes_of(seen.real[other], seen.real[one], truth[one]))

        def within_class(real: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], float]:
            return sums_within(real), kernel_distance(real[::2], real[1::2]).value

        found: dict[str, float | Estimate] = {}
        asked = None if context.labels is None else context.labels.numpy()
        if asked is not None:
            right = int((looks == asked).sum())
            found["accuracy"] = share(right, len(looks), float((again == truth[other]).mean()))
        of_fakes, of_real = shares(looks, len(names)), shares(truth, len(names))
        among = shares(again, len(names)), shares(truth[one], len(names))
        deviation = np.sqrt(of_fakes * (1 - of_fakes) / len(looks)).sum() / 2
        found["imbalance"] = around(
            float(np.abs(of_fakes - of_real).sum() / 2),
            float(deviation),
            float(np.abs(among[0] - among[1]).sum() / 2),
            0,
            1,
        )
        ratios = np.divide(of_fakes, of_real, out=np.full(len(names), np.inf), where=of_real > 0)
        rarest = int(ratios.argmin())
        of_rarest = share(of_fakes[rarest] * len(looks), len(looks))
        found["rarest"] = Estimate(
            *(float(each / of_real[rarest]) for each in (of_rarest.value, of_rarest.low, of_rarest.high))
        )
        of_class: dict[str, Estimate] = {}
        kind = looks if asked is None else asked
        for label, name in enumerate(names):
            fakes, real = seen.fakes[kind == label], seen.real[truth == label]
            if min(len(fakes), len(real)) >= FEWEST:
                sums, floor = seen.once(f"classes.{label}", partial(within_class, real))
                distance = kernel_distance(fakes, real, sums)
                of_class[name] = around(distance.value, distance.error, floor)
        if of_class:
            found["worst"] = max(of_class.values(), key=float)
        if len(names) <= SHOWN:
            found |= {f"class_{name}": each for name, each in of_class.items()}
        return found
