"""What ``zoo train NAME`` and ``zoo check NAME`` take, the options of that architecture; and ``zoo resume RUN``, some of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, get_args, get_origin

from zoo.cli.completing.takes import ARCHITECTURE, HELP, RUN, Option, Takes, switch, typed
from zoo.engine.recommending import is_place
from zoo.options import MOST_USED, Options
from zoo.options.changeable import CHANGEABLE
from zoo.plugins.registry import registry


def training(command: str, name: str) -> Takes:
    """What the command takes where that architecture is named; no option where it is not known.

    Where data stands in the place of a name, ``zoo train`` takes what every architecture does: to find out which would be chosen
    may take longer than anyone waits for a tab.
    """
    known = registry()
    if name in known.names and name not in known.conflicts:
        options = known.contribution(name).value.Options
    elif command == "train" and is_place(name):
        options = Options
    else:
        return Takes([ARCHITECTURE], [HELP])
    without: Collection[str] = ()
    own = [
        Option("preset", ("--preset",), "a named set of values"),
        Option("config", ("--config",), "values from a TOML file, or a run's config.json", path=True),
    ]
    if command == "check":
        from zoo.testing.options import OURS

        without = OURS
        own += [
            Option("only", ("--only",), "run these checks alone", many=True),
            Option("without", ("--without",), "leave these checks out", many=True),
            switch("json", "print what was found as JSON"),
        ]
    else:
        own.append(Option("out", ("--out",), "folder of the new run", path=True))
        own.append(Option("from_run", ("--from",), "a run whose weights this one begins with", path=True))
    fields = {name: info for name, info in options.model_fields.items() if name not in without}
    order = [*(each for each in MOST_USED if each in fields), *(each for each in fields if each not in MOST_USED)]
    found = [
        _option(each, fields[each].annotation, fields[each].description or "", fields[each].default) for each in order
    ]
    return Takes([ARCHITECTURE], [*own, *found, HELP])


def resuming() -> Takes:
    """What ``zoo resume`` takes: its own options, and those that a run may change."""
    own = [
        Option("data", ("--data",), "where the run's data is now", path=True),
        Option("device", ("--device",), "another place to compute"),
        Option("capture", ("--capture",), "whether steps are captured from here on", choices=("on", "off")),
        Option("from_step", ("--from",), "the checkpoint to go on from"),
        switch("recover", "go on from the newest checkpoint that is whole"),
    ]
    fields = Options.model_fields
    changeable = [
        _option(each, fields[each].annotation, fields[each].description or "", fields[each].default)
        for each in CHANGEABLE
    ]
    return Takes([RUN], [*own, *changeable, HELP])


def _option(name: str, kind: Any, about: str, default: object) -> Option:
    inside = list(_flat(kind))
    if bool in inside:
        return switch(name, about, default)
    choices = [str(each) for part in inside if get_origin(part) is Literal for each in get_args(part)]
    many = any(get_origin(part) in (tuple, list, set, frozenset) for part in inside)
    return Option(name, (typed(name),), about, many=many, choices=choices)


def _flat(kind: Any) -> Any:
    """A type, or those of a union, without what constrains them."""
    if get_origin(kind) is Annotated:
        yield from _flat(get_args(kind)[0])
    elif get_origin(kind) in (Literal, tuple, list, set, frozenset) or not get_args(kind):
        yield kind
    else:
        for each in get_args(kind):
            yield from _flat(each)
