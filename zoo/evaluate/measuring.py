"""Computes metrics of one set of pictures: what suits is measured, what does not is named with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.errors import NoGeneratorError, OptionError, ZooError
from zoo.evaluate.context import ComparedContext
from zoo.metric import Estimate, Metric
from zoo.system.memory import OutOfMemoryError

Numbers = Mapping[str, float | Estimate]


@dataclass
class Measured:
    """What came of it: for each metric the context that it was given and its numbers; for those that do not suit the reason, and
    for those that failed the error."""

    contexts: dict[str, ComparedContext] = field(default_factory=dict)
    numbers: dict[str, Numbers] = field(default_factory=dict)
    unsuited: dict[str, str] = field(default_factory=dict)
    failed: dict[str, ZooError] = field(default_factory=dict)

    def samples(self, name: str) -> int:
        """How many pictures that metric judged."""
        return self.contexts[name].samples


def measure(
    metrics: Sequence[Metric], context_of: Callable[[Metric], ComparedContext], by_name: bool = False
) -> Measured:
    """Compute what suits, each metric in the context that is its.

    `by_name`: they were asked for by name: then one that does not suit is an OptionError.
    """
    measured = Measured()
    for metric in metrics:
        try:
            context = context_of(metric)
            try:
                reason = metric.unsuited(context)
            except NoGeneratorError as error:
                reason = str(error)
            if reason:
                if by_name:
                    raise OptionError(f"--metric {metric.name}: {reason}")
                measured.unsuited[metric.name] = reason
                continue
            measured.numbers[metric.name] = metric.compute(context)
        except NoGeneratorError as error:
            measured.unsuited[metric.name] = str(error)
            continue
        except (OptionError, OutOfMemoryError):
            raise
        except ZooError as error:  # which hides no other metric
            measured.failed[metric.name] = error
            continue
        measured.contexts[metric.name] = context
    return measured
