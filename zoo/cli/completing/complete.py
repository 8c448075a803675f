"""From the words of a line to what may stand at its end."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.cli.completing.answer import NOTHING, Answer
from zoo.cli.completing.own import own
from zoo.cli.completing.runs import runs
from zoo.cli.completing.takes import ARCHITECTURE, HELP, SHELL, Option, Takes
from zoo.cli.completing.values import values
from zoo.command import OWN_COMMANDS


def complete(words: Sequence[str], typed: str) -> Answer:
    """What fits behind `words`, without ``zoo`` itself, where `typed` is the beginning of the next (in part, or empty)."""
    if not words:
        return _commands(typed)
    command, *rest = words
    if command not in OWN_COMMANDS:
        return Answer(runs(typed).values, "files")  # of a plugin, which alone knows what it takes
    takes = _takes(command, rest)
    standing, option = _read(takes, rest)
    architecture = standing[0] if command in ("train", "check") and standing else None
    run = standing[0] if standing and takes.places and takes.places[0].name == "run" else None

    def fitting(asked: Option, begun: str) -> Answer:
        return values(command, asked, begun, architecture, run)

    flag, equals, value = typed.partition("=")
    if typed.startswith("-"):
        found = takes.option(flag)
        if equals:
            return NOTHING if found is None or found.switch else fitting(found, value).after(f"{flag}=")
        return _options(takes, rest, typed)
    if option is not None and (option.many or takes.option(rest[-1]) is option):
        return fitting(option, typed)
    if len(standing) < len(takes.places):
        return fitting(takes.places[len(standing)], typed)
    return NOTHING if typed else _options(takes, rest, typed)


def _takes(command: str, words: Sequence[str]) -> Takes:
    if command == "completion":
        return Takes([SHELL], [HELP])
    if command == "resume":
        from zoo.cli.completing.training import resuming

        return resuming()
    if command not in ("train", "check"):
        return own(command)
    if not words:
        return Takes([ARCHITECTURE], [HELP])

    from zoo.cli.completing.training import training

    return training(command, words[0])


def _commands(typed: str) -> Answer:
    from zoo.plugins.listing import commands_of_plugins

    if typed.startswith("-"):
        return Answer({"--help": "every command", "--version": "the version of zoo"})
    return Answer({**OWN_COMMANDS, **commands_of_plugins()})


def _read(takes: Takes, words: Sequence[str]) -> tuple[list[str], Option | None]:
    """The words that stand in places, and the option that the next word may be a value of."""
    standing: list[str] = []
    option: Option | None = None
    for word in words:
        if word.startswith("-") and not _is_number(word):
            found = takes.option(word.partition("=")[0])
            option = None if found is None or found.switch or ("=" in word and not found.many) else found
        elif option is None:
            standing.append(word)
        elif not option.many:
            option = None
    return standing, option


def _options(takes: Takes, words: Sequence[str], typed: str) -> Answer:
    """The options that are not given yet. A switch the other way round is offered to whoever has begun to type it."""
    given = {word.partition("=")[0] for word in words}
    found: dict[str, str] = {}
    for option in takes.options:
        if given.isdisjoint(option.flags):
            shown = option.flags if typed.startswith("--no") else option.flags[:1]
            found |= dict.fromkeys((flag for flag in shown if flag.startswith("--")), option.about)
    return Answer(found)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
