"""What of a run may be another when it goes on, and the journal of it: ``changes`` in config.json.

The options of a config.json are those in force from the newest checkpoint on. Each line of the journal says with which step (the
number of steps done before) an option became another. So the options of any step are those of today with the later lines taken
back, and a run that is killed behind a change and goes on from a checkpoint before it meets the same change again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import zoo
from zoo.architecture import Architecture
from zoo.errors import OptionError, unknown
from zoo.options import Options
from zoo.options.alternatives import superseded
from zoo.options.changeable import CHANGEABLE, why_fixed
from zoo.options.length import LENGTHS
from zoo.options.resolve import flag, validate
from zoo.run.run import Run, quoted

log = logging.getLogger(__name__)

Change = dict[str, Any]
"""A line of the journal: step, option, from, to, and zoo's version and the time (UTC) when it was made."""


def check_changes(run: Run, architecture: Architecture, names: Iterable[str]) -> None:
    """Raise OptionError for an option that is not known, or that a run cannot change, with the reason and the way out."""
    for name in names:
        if name in CHANGEABLE:
            continue
        if name not in architecture.Options.model_fields:
            raise OptionError(unknown("option", name, CHANGEABLE, "zoo resume --help"))
        raise OptionError(
            f"{flag(name)} cannot change when {run.path} goes on: {why_fixed(name)}; zoo train {run.architecture} --from "
            f"{quoted(run.path)} {flag(name)} … begins a new run with its weights"
        )


def changed_options(run: Run, architecture: Architecture, changes: Mapping[str, Any]) -> Options:
    """The run's options with these changes, by name. Raises OptionError for those that do not fit or may not change."""
    check_changes(run, architecture, changes)
    saved = run.options(architecture)  # what is wrong with config.json is told of by its name
    try:
        before = saved.model_dump()
        values = {**before, **dict.fromkeys(superseded(changes, before)), **changes}
    except ValueError as error:
        raise OptionError(str(error)) from None
    options = validate(architecture, values, advice="(zoo resume --help)")
    for name in ("augment", "watch"):
        given = getattr(options, name) if name in changes else ()
        for each in given:
            if given.count(each) > 1:
                raise OptionError(f"{flag(name)} names {each} twice; name it once")
    return options


def options_at(run: Run, architecture: Architecture, start: int) -> Options:
    """The options with which the checkpoint of step `start` was written. Raises OptionError where config.json is damaged."""
    then = run.options(architecture).model_dump(mode="json")
    for change in reversed(run.changes):
        if change["step"] >= start and change["option"] in then:
            then[change["option"]] = change["from"]
    return validate(architecture, then, dict.fromkeys(then, run.path / "config.json"))


def journal(run: Run, then: Options, now: Options, start: int) -> list[Change]:
    """The journal of a run that goes on from step `start`, where the options were `then` and are `now`. New lines are logged."""
    before, after = then.model_dump(mode="json"), now.model_dump(mode="json")
    kept = [change for change in run.changes if change["step"] < start]
    told = {(change["option"], repr(change["from"]), repr(change["to"])): change for change in run.changes[len(kept) :]}
    for name in after:
        if before[name] != after[name] and name != "capture":
            change = told.get((name, repr(before[name]), repr(after[name])))
            if change is None or change["step"] != start:
                change = {"step": start, "option": name, "from": before[name], "to": after[name]}
                change |= {"zoo": zoo.__version__, "time": datetime.now(timezone.utc).isoformat(timespec="seconds")}
                if name not in (*LENGTHS, "watch"):  # of which everybody is told in other ways
                    log.info("%s is %s from step %d on, and was %s", flag(name), after[name], start, before[name])
            kept.append(change)
    return kept
