"""``zoo check NAME``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from zoo.cli import metric_check
from zoo.cli.arguments import early, given_by_hand, name_first, parse_training, training_defaults
from zoo.cli.console import standard_output
from zoo.deprecated import RENAMED
from zoo.errors import OptionError, PluginError, nearest, unknown
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry
from zoo.testing.kit import CHECKS, Check, select

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.testing.outcome import Outcome
    from zoo.testing.subject import Subject

STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def run(arguments: Sequence[str]) -> int:
    """Check; returns the exit code: 0 where every check that could run has passed, 1 where one has failed."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if metric_check.is_metric(arguments[0]):
        return metric_check.run(arguments)
    known = [*registry().names, *registry().names_of(METRIC)]
    if any(name not in registry().names for name in nearest(arguments[0], known)):
        raise PluginError(unknown("architecture or metric", arguments[0], sorted(known), "zoo list, zoo plugins"))
    architecture, rest = name_first("check", _renamed(arguments))

    from zoo.testing.options import OURS, SMALL, leave_out, not_the_callers
    from zoo.testing.subject import Subject

    leave_out(given_by_hand(dict.fromkeys(OURS), rest))
    try:
        defaults, own = training_defaults(architecture, rest, SMALL)
    except OptionError:  # whose mistake it is, the subject tells, which knows the other options too
        with not_the_callers(architecture, early(rest, "preset").get("preset")):
            defaults, own = training_defaults(architecture, rest)
    own |= {
        "only": (tuple[str, ...], (), f"Run these alone: {', '.join(CHECKS)}."),
        "without": (tuple[str, ...], (), "Leave these out; compiled takes longest."),
        "json": (bool, False, "Print what was found as JSON, and nothing else."),
    }
    parsed = parse_training(architecture, rest, defaults, own, command="check", about="Check", without=OURS)
    given = given_by_hand(parsed, rest)
    for flag in ("only", "without"):
        if given.get(flag) == ():
            raise OptionError(f"give the names of checks after --{flag}: {', '.join(CHECKS)}")
    checks = select(given.pop("only", None), given.pop("without", ()))
    as_json = given.pop("json", False)
    with Subject(architecture.name, **given) as subject:
        outcomes = _quietly(checks, subject) if as_json else _aloud(checks, subject)
    return int(any(outcome.failure for outcome in outcomes))


def _renamed(arguments: Sequence[str]) -> list[str]:
    """The arguments with a deprecated flag under its new name, which a line tells."""
    old = "--promise"
    new = RENAMED[f"zoo check {old}"].removeprefix("zoo check ")
    if any(argument.partition("=")[0] == old for argument in arguments):
        print(f"zoo: {old} is deprecated; it is called {new} now", file=sys.stderr)
    return [
        new + argument.removeprefix(old) if argument.partition("=")[0] == old else argument for argument in arguments
    ]


def _quietly(checks: list[Check], subject: Subject) -> list[Outcome]:
    """Run the checks, and print the outcomes as JSON."""
    outcomes = [each.run(subject) for each in checks]
    found: dict[str, Any] = {"architecture": subject.name, "preset": subject.preset, "plugin": subject.plugin.origin}
    found |= {"options": subject.options.model_dump(mode="json"), "checks": [each.as_json() for each in outcomes]}
    json.dump(found, sys.stdout, indent=2)
    print()
    return outcomes


def _aloud(checks: list[Check], subject: Subject) -> list[Outcome]:
    """Run the checks with a line for each, then tell of those that failed whole."""
    from zoo.testing.messages import describe

    console = standard_output()
    preset = f", preset {subject.preset}" if subject.preset else ""
    _say(console, f"{subject.name} ({subject.plugin.origin}){preset}: {describe(subject.spec)}")
    outcomes = []
    for each in checks:
        with console.status(f"{each.name}: {escape(each.sentence)}"):
            outcomes.append(each.run(subject))
        console.print(_line(outcomes[-1]), soft_wrap=True)
    for outcome in outcomes:
        if outcome.failure is not None:
            _say(console, f"\n{outcome}")
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in STYLES}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    _say(console, f"\n{summary}, in {sum(outcome.seconds for outcome in outcomes):.1f} s")
    return outcomes


def _line(outcome: Outcome) -> str:
    width = max(map(len, CHECKS))
    says = outcome.reason or (outcome.failure.found.partition("\n")[0] if outcome.failure else outcome.sentence)
    if outcome.remark:
        says = f"{says.removesuffix('.')}, {outcome.remark}"
    style = STYLES[outcome.state]
    time = "" if outcome.state == "skipped" else f"{outcome.seconds:5.1f} s"
    return f"[{style}]{outcome.state:<7}[/{style}]  {outcome.check:<{width}}  {time:>7}  {escape(says)}"


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _usage() -> str:
    width = max(map(len, CHECKS))
    rows = "\n".join(f"  {name:<{width}}  {each.sentence}" for name, each in CHECKS.items())
    metrics = ", ".join(sorted(registry().names_of(METRIC)))
    return (
        "usage: zoo check NAME [--preset PRESET] [--only CHECK ...] [--without CHECK ...] [--json] [OPTIONS]\n\n"
        "Check that an architecture behaves: exit code 0 where it does, 1 where a check fails. NAME is one of: "
        + ", ".join(registry().names)
        + f"\n\n{rows}\n\nOr a metric: {metrics}: documented, repeats, finite, ordered, best."
        + "\n\nA training option changes what is checked: zoo check NAME --width 8 is quicker. zoo check NAME --help "
        "lists them all."
    )
