"""What every metric promises, checked: on a small run that is made for it, or on pictures of one's own."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

from zoo.errors import NoGeneratorError, OptionError, ZooError, unknown
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry
from zoo.testing.data import write_images
from zoo.testing.outcome import CheckFailed, CheckSkipped, Outcome, State

if TYPE_CHECKING:
    from zoo.evaluate.context import ComparedContext
    from zoo.metric import Estimate, Metric

SAMPLES = 120
"""Pictures that a metric is checked on: enough for those that take many."""


class MetricSubject:
    """A metric under check, and contexts to try it in, each made anew."""

    def __init__(self, name: str, *contexts: Callable[[], ComparedContext]) -> None:
        """`contexts`: the first of which it says that it suits is taken."""
        self.metric: Metric = registry().find(METRIC, name)()
        self._contexts = contexts
        self._numbers: Mapping[str, float | Estimate] | None = None
        self._failed = False

    def numbers(self) -> Mapping[str, float | Estimate]:
        """Its numbers, computed once. Raises CheckSkipped where it does not suit what it is given."""
        if self._numbers is None:
            self._numbers = self.again()
        return self._numbers

    def again(self) -> Mapping[str, float | Estimate]:
        """Its numbers in a new context."""
        reasons: list[str] = []
        for make in self._contexts:
            context = make()
            try:
                reason = self.metric.unsuited(context)
            except NoGeneratorError as error:
                reason = str(error)
            if not reason:
                return self._computed(context)
            reasons.append(reason)
        raise CheckSkipped(f"it suits nothing that it is tried on: {'; '.join(dict.fromkeys(reasons))}")

    def _computed(self, context: ComparedContext) -> Mapping[str, float | Estimate]:
        if self._failed:
            raise CheckSkipped("compute() fails: see above")
        try:
            return self.metric.compute(context)
        except ZooError:
            self._failed = True  # which is told once
            raise


def metric_repeats(subject: MetricSubject) -> None:
    """The same pictures and the same seed give the same numbers."""
    first, second = subject.numbers(), subject.again()
    if differ := [name for name in {**first, **second} if first.get(name) != second.get(name)]:
        raise CheckFailed(
            f"computed twice, {differ[0]!r} is {first.get(differ[0])} and {second.get(differ[0])}",
            "draw what is random from generators of its own, seeded by context.seed",
        )


def metric_finite(subject: MetricSubject) -> None:
    """Its numbers are finite, and there is at least one."""
    from zoo.metric import Estimate

    found = subject.numbers()
    if not found:
        raise CheckFailed("compute() returned no numbers", "return at least one, by name")
    for name, value in found.items():
        if not (value.finite if isinstance(value, Estimate) else math.isfinite(value)):
            raise CheckFailed(f"{name!r} is {value}", "return numbers, and leave out those that cannot be computed")


def metric_ordered(subject: MetricSubject) -> None:
    """The interval of each estimate holds its value: low ≤ value ≤ high."""
    from zoo.metric import Estimate

    for name, value in subject.numbers().items():
        if isinstance(value, Estimate) and not value.low <= value.value <= value.high:
            raise CheckFailed(
                f"{name!r} is {value.value}, and its interval {value.low} to {value.high}", "order the three"
            )


def metric_best(subject: MetricSubject) -> None:
    """`best` names numbers that it computes, by which checkpoints may be ranked."""
    for name in subject.metric.best:
        if name not in {**subject.metric.numbers, **subject.numbers()}:
            raise CheckFailed(f"best names {name!r}", f"name what compute() returns: {', '.join(subject.numbers())}")


def metric_documented(subject: MetricSubject) -> None:
    """The metric and its numbers say what they are."""
    if not (subject.metric.summary and inspect.getdoc(type(subject.metric))):
        raise CheckFailed("it has no summary or no docstring", "write a sentence that says what it measures")
    if silent := [name for name in subject.metric.best if not subject.metric.numbers.get(name)]:
        raise CheckFailed(
            f"numbers says nothing of {silent[0]!r}, which best names", "say in half a sentence what it means"
        )


METRIC_CHECKS: Mapping[str, Callable[[MetricSubject], None]] = MappingProxyType(
    {
        function.__name__.removeprefix("metric_"): function
        for function in (metric_documented, metric_repeats, metric_finite, metric_ordered, metric_best)
    }
)
"""Every check of a metric by its name."""


def check_metric(
    name: str, *, context: Callable[[], ComparedContext] | None = None, only: Iterable[str] | None = None
) -> list[Outcome]:
    """Whether the metric `name` keeps its promises: an outcome for each check.

    `context` makes what it is given anew whenever it is called: by default some pictures of the trained DCGAN that comes with zoo,
    and the digits that it has learnt, or, where it says that these do not suit it, colour pictures of three classes. `only` names
    the checks to run (`METRIC_CHECKS`). Raises OptionError for an unknown check, PluginError for a metric that is not there.
    """
    chosen = list(METRIC_CHECKS) if only is None else [only] if isinstance(only, str) else list(only)
    for each in chosen:
        if each not in METRIC_CHECKS:
            raise OptionError(unknown("check of a metric", each, METRIC_CHECKS, "zoo check --help"))
    with TemporaryDirectory() as folder:
        subject = MetricSubject(name, *((context,) if context else (_digits, lambda: _colours(Path(folder)))))
        return [_outcome(each, METRIC_CHECKS[each], subject) for each in chosen]


def _outcome(name: str, check: Callable[[MetricSubject], None], subject: MetricSubject) -> Outcome:
    began = time.perf_counter()
    failure, reason = None, ""
    try:
        check(subject)
    except CheckSkipped as error:
        reason = str(error)
    except CheckFailed as error:
        failure = error
    except ZooError as error:
        failure = CheckFailed(str(error), "mend what it names; ZOO_TRACEBACK=1 zoo evaluate shows where it comes from")
    state: State = "failed" if failure else "skipped" if reason else "passed"
    title, seconds = subject.metric.name, time.perf_counter() - began
    again = f"zoo check {title} --only {name}" if failure else ""
    return Outcome(
        title, name, inspect.getdoc(check) or "", state, seconds, again=again, failure=failure, reason=reason
    )


def _colours(folder: Path) -> ComparedContext:
    """Colour pictures of three classes, and others of the same kind."""
    import zoo
    from zoo.data.registry import open_source
    from zoo.evaluate.extractors.choose import Choice

    places = [folder / f"{name}.npz" for name in ("fakes", "real")]
    for place, count in zip(places, (SAMPLES, 2 * SAMPLES), strict=True):
        if not place.exists():
            write_images(place, count, size=16, channels=3)
    fakes, real = (open_source(str(place)) for place in places)
    return zoo.evaluate.PicturesContext(fakes, real, choice=Choice("random"))


def _digits() -> ComparedContext:
    """Pictures of the trained run that comes with zoo, beside the digits."""
    import zoo

    generator = zoo.load("dcgan")
    return zoo.evaluate.RunContext(generator, "digits", SAMPLES, seed=1)
