"""``zoo resume RUN``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from zoo.cli.arguments import Own, by_concern, given_by_hand, parse_groups, rows_of
from zoo.cli.importing import importing
from zoo.cli.stopping import stopping_by_signals
from zoo.cli.streams import unfailing_streams
from zoo.errors import ZooError
from zoo.options import Options
from zoo.options.changeable import CHANGEABLE

ABOUT = """Go on with a run from its newest checkpoint, exactly as if it had not stopped.

Options below are what the run has, and what is given is another from here on: config.json keeps what changed with which step.
What decides the networks cannot change; zoo train NAME --from RUN begins a new run with the weights of this one."""

OWN: Own = {
    "run": (tyro.conf.Positional[Path], tyro.MISSING, "The folder that zoo train named."),
    "data": (str | None, None, "Where the run's data is now, if it was moved: the content is to be the same."),
    "device": (str | None, None, "Another place to compute; by default the run's own."),
    "capture": (
        Literal["on", "off"] | None,
        None,
        "Whether steps are captured from here on; by default as the run's are.",
    ),
    "from_step": (
        Annotated[str | None, tyro.conf.arg(name="from")],
        None,
        "The checkpoint to go on from, as step-00004000 or 4000; by default the newest. Newer ones are kept, renamed.",
    ),
    "recover": (bool, False, "Go on from the newest checkpoint that is whole, where the newest is damaged."),
}
"""What is no option of a run that goes on."""


def run(arguments: Sequence[str]) -> int:
    """Resume; returns the exit code."""
    options = {name: row for name, row in rows_of(Options, Options()).items() if name in CHANGEABLE}
    shown = {name: (_with_hint(type_), default, words) for name, (type_, default, words) in options.items()}
    _refuse_fixed(arguments, {*OWN, "from", *options})
    parsed = parse_groups({"run": OWN, **by_concern(shown)}, "resume", arguments, ABOUT)
    given = given_by_hand(parsed, arguments)

    with importing():
        from zoo.cli.progress import Progress
        from zoo.engine.train import resume

    own = {name: parsed[name] for name in ("data", "device", "from_step", "recover")}
    capture = None if parsed["capture"] is None else parsed["capture"] == "on"
    changes = {name: value for name, value in given.items() if name in options}
    with unfailing_streams(), stopping_by_signals(), Progress() as progress:
        resume(parsed["run"], capture=capture, callbacks=[progress], **own, **changes)
    return 0


def _with_hint(type_: Any) -> Any:
    """The type of an option whose default is whatever the run has."""
    return Annotated[type_, tyro.conf.arg(help_behavior_hint="(default: the run's)")]


def _refuse_fixed(arguments: Sequence[str], taken: Collection[str]) -> None:
    """Raise OptionError for an option that is known and that no run changes, with the reason and the way out."""
    path = next((argument for argument in arguments if not argument.startswith("-")), None)
    flags = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    if path is None or all(name[2:].removeprefix("no-").replace("-", "_") in taken for name in flags):
        return

    from zoo.engine.changes import check_changes
    from zoo.plugins.registry import architecture_of
    from zoo.run.run import Run

    try:
        run = Run(path)
        architecture = architecture_of(run)
    except ZooError:  # which is told of when all options are known
        return
    known = dict.fromkeys(architecture.Options.model_fields)
    check_changes(run, architecture, [name for name in given_by_hand(known, arguments) if name not in taken])
