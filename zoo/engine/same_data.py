"""Whether a run goes on with the data that it began with: content decides, not the place."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Collection

from zoo.architecture import Architecture
from zoo.data.reading import Reading
from zoo.data.registry import builtin_names, is_missing, open_source
from zoo.data.source import DataSource
from zoo.data.store import ImageStore
from zoo.errors import DataError, RunError
from zoo.options import Options
from zoo.plugins.registry import registry
from zoo.run.run import Run, quoted
from zoo.system.names import listed, shown

log = logging.getLogger(__name__)

_SHOWN = 5  # classes that are named


def same_data(run: Run, architecture: Architecture, options: Options, given: str | None) -> DataSource:
    """The data of a run, opened at the place that is `given`, or at the one that its options record.

    Raises DataError where it is gone, RunError where its content is another: with what is known of the difference, and how a new
    run begins with the weights of this one.
    """
    known, recorded = registry().sources, options.data
    if given is None and is_missing(recorded, known):
        raise DataError(
            f"{run.path} was trained on {recorded}, which does not exist any more; put it back at that path, or say where it is "
            f"now: zoo resume {quoted(run.path)} --data PLACE"
        )
    location = recorded if given is None else given
    if given is None and recorded not in builtin_names():  # a run of somebody else's names any place
        log.info("the data of %s is %s", run.path, shown(recorded))
    source = open_source(location, registry().sources_for(location), Reading.of(options))
    if source.fingerprint() == run.fingerprint:
        return source
    what = "its content has changed" if given is None else "its content is another"
    facts = [_counts(run, source), *(_classes(run, source) if architecture.conditional else ())]
    raise RunError(
        f"{location} is not what {run.path} was trained on: {what} ({'; '.join(facts)}). zoo train {run.architecture} --from "
        f"{quoted(run.path)} --data {shlex.quote(location)} trains a new run on it that begins with the weights of this one"
    )


def numbered_as(run: Run, architecture: Architecture, store: ImageStore) -> ImageStore:
    """The data with its classes in the order in which the run learned them, whatever order they would have in a new one."""
    _, names = run.geometry()
    today = store.class_names
    if names != today and architecture.conditional:
        if not store.order_classes(names):
            raise RunError(
                f"{run.path} was trained on other classes, {listed(names)}, than the data has now, {listed(today)}; zoo train "
                f"{run.architecture} --from {quoted(run.path)} trains a new run that begins with its weights"
            )
        log.info(
            "the run keeps the order in which it learned the classes, %s; in a new run it would be %s",
            listed(names),
            listed(today),
        )
    return store


def _counts(run: Run, source: DataSource) -> str:
    skipped = run.config["data"].get("skipped")
    then, now = run.data_count + (skipped if isinstance(skipped, int) else 0), len(source)
    if then == now:
        return f"{now:,} images, as many as then"
    return f"{then:,} images then, {now:,} now"


def _classes(run: Run, source: DataSource) -> list[str]:
    """What of the classes is not as it was."""
    then, now = run.geometry()[1], source.class_names
    parts = [("new", [name for name in now if name not in then]), ("gone", [name for name in then if name not in now])]
    told = [f"{word}: {_some(names)}" for word, names in parts if names]
    if not told and then != now:
        told = ["in another order"]
    return [f"classes {', '.join(told)}"] if told else []


def _some(names: Collection[str]) -> str:
    first = ", ".join([*names][:_SHOWN])
    return first if len(names) <= _SHOWN else f"{first} and {len(names) - _SHOWN} more"
