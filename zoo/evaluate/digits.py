"""The metric ``digits``. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from zoo.data.formats.digits import SHAPE
from zoo.metric import EvaluationContext, Metric


class DigitReader(Metric):
    """What a classifier reads in a generator's digits: how many it is sure of, and which they are.

    A small convolutional network has learnt the digits that come with zoo, but for 500 that it is tried on; it comes with zoo
    too. That it is sure of a picture says that it looks like one of the ten
    digits, not that it looks like a person's hand.
    """

    name = "digits"
    order = 80
    summary = "What a classifier reads: how many digits it is sure of, which they are, and whether the one asked for."
    samples = 1000
    numbers: ClassVar[Mapping[str, str]] = {
        "sure": "share of samples whose digit it is sure of (probability above 0.9)",
        "sure_of_real": "the same of 500 real digits that it has not seen",
        "right_on_real": "share of those that it reads right",
        "as_asked": "share of samples that it reads as the digit that was asked for",
        **{f"digit_{digit}": f"share of samples that it reads as a {digit}" for digit in range(10)},
    }

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`: other data than the digits that come with zoo, or another size."""
        if context.data != "digits":
            return "it reads the digits that come with zoo (--data digits), and the real images are others"
        spec = context.generator.spec
        if spec.shape != SHAPE:
            return f"it reads grey images of 28×28, and the run draws {spec.colours} {spec.kind}"
        return None

    def compute(self, context: EvaluationContext) -> Mapping[str, float]:
        """As `Metric.compute`; `as_asked` where the architecture is conditional."""
        import torch

        from zoo.evaluate.reader import SURE, trained_reader

        reader = trained_reader()
        chances, digits = reader.read(context.fakes.images)
        counts = torch.bincount(digits, minlength=10).tolist()
        labels = None if context.unknown_classes else context.labels
        asked = {} if labels is None else {"as_asked": float((digits == labels).float().mean())}
        return {
            "sure": float((chances > SURE).float().mean()),
            "sure_of_real": reader.sure,
            "right_on_real": reader.right,
            **asked,
            **{f"digit_{digit}": count / len(digits) for digit, count in enumerate(counts)},
        }
