"""Looks through what was typed before the parser does: what does not fit is told in a line, with what would have fitted."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tyro

from zoo.errors import OptionError
from zoo.options.resolve import flag

_OF_THE_PARSER = ("--help", "--tyro-print-completion", "--tyro-write-completion")
_NUMBERS = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Flag:
    """An option as it is typed."""

    spellings: tuple[str, ...]
    """Its own name, and others that mean the same; a switch has two more, of ``--no-``."""
    type: Any


def check_flags(arguments: Sequence[str], types: Mapping[str, Any], program: str) -> None:
    """Raise OptionError for an option that is not known, a number that is none, and what is given twice and counts once.

    Args:
        arguments: as they were typed.
        types: of the options by name, with the parser's own marks.
        program: as in ``zoo train dcgan``, whose ``--help`` is the advice.
    """
    flags = {name: kind for name, kind in ((name, _flag(name, type_)) for name, type_ in types.items()) if kind}
    owners = {spelling: name for name, kind in flags.items() for spelling in kind.spellings}
    hint = f"{program} --help"
    seen: dict[str, str] = {}
    for given, value in _given(arguments):
        spelt = given.replace("_", "-")
        if spelt in _OF_THE_PARSER:
            continue
        if spelt not in owners:
            raise OptionError(f"unknown option {given!r}{_nearest(spelt, owners)} ({hint})")
        name = owners[spelt]
        before = seen.setdefault(name, spelt)
        if before != spelt and not _is(flags[name].type, bool):
            raise OptionError(f"{before} and {spelt} are the same option; give one of them")
        if value is not None and (fits := _misfit(value, flags[name].type)):
            raise OptionError(f"{given} {value!r}: give {fits} ({hint})")
    _check_words(arguments, flags, owners, len(types) > len(flags))
    typed = [given for given, _ in _given(arguments)]
    for name, kind in flags.items():
        if is_list(kind.type) and sum(given.replace("_", "-") in kind.spellings for given in typed) > 1:
            spelt = flag(name)
            raise OptionError(f"{spelt} is given twice; write all of its values behind one: {spelt} A B")


def _check_words(arguments: Sequence[str], flags: Mapping[str, Flag], owners: Mapping[str, str], places: bool) -> None:
    """Raise OptionError for a second word behind an option that takes one, as a pattern is that the shell has replaced.

    `places`: whether there are arguments without a name, which such a word may be.
    """
    for at, argument in enumerate(arguments):
        kind = flags.get(owners.get(argument.replace("_", "-"), ""))
        behind = [*itertools.takewhile(lambda word: not word.startswith("-"), arguments[at + 1 :])]
        if kind is None or places or len(behind) < 2 or is_list(kind.type) or _is(kind.type, bool):
            continue
        raise OptionError(
            f"{argument} takes one value, and {len(behind)} stand behind it ({', '.join(behind[:3])}"
            f"{', …' if len(behind) > 3 else ''}); a pattern goes in quotes, so that the shell leaves it alone: {argument} '*.png'"
            if len({os.path.splitext(word)[1] for word in behind}) == 1
            else f"{argument} takes one value, and {len(behind)} stand behind it: {' '.join(behind[:3])}"
        )


def _nearest(given: str, known: Iterable[str]) -> str:
    """The known spelling that is most like one that is not; empty where none is."""
    switched_off = given.startswith("--no-")
    names = [name.removeprefix("--") for name in known if switched_off or not name.startswith("--no-")]
    near = difflib.get_close_matches(given.removeprefix("--"), names, n=1)
    return f"; did you mean --{near[0]}?" if near else ""


def _given(arguments: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each flag with the value that is joined to it or stands behind it, if one does."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            return
        if argument.startswith("--"):
            name, equals, value = argument.partition("=")
            behind = arguments[place + 1] if place + 1 < len(arguments) else None
            yield name, value if equals else None if behind is None or behind.startswith("--") else behind


def _flag(name: str, type_: Any) -> Flag | None:
    """How an option is typed; None for one that has a place in place of a name."""
    marks = type_.__metadata__ if get_origin(type_) is Annotated else ()
    if any(mark in (tyro.conf.Positional, *_marks(tyro.conf.Positional)) for mark in marks):
        return None
    spellings = [flag(name)]
    for mark in marks:
        if getattr(mark, "name", None):
            spellings[0] = f"--{mark.name}"
        spellings += getattr(mark, "aliases", None) or ()
    if _is(type_, bool):
        spellings += [f"--no-{spelling.removeprefix('--')}" for spelling in spellings]
    return Flag(tuple(spellings), type_)


def _marks(mark: Any) -> tuple[Any, ...]:
    """What stands in a type that the parser's mark is put on."""
    return tuple(getattr(mark[int], "__metadata__", ()))


def _is(type_: Any, kind: type) -> bool:
    return _kinds(type_) == [kind]


def _kinds(type_: Any) -> list[Any]:
    """What an option takes beside None: ``Annotated[int | None, …]`` takes int."""
    if get_origin(type_) is Annotated:
        return _kinds(get_args(type_)[0])
    if get_origin(type_) in (Union, UnionType):
        return [kind for each in get_args(type_) for kind in _kinds(each)]
    return [] if type_ is NoneType else [type_]


def is_list(type_: Any) -> bool:
    """Whether an option takes several values."""
    return any(get_origin(kind) in (list, tuple, set, frozenset) for kind in _kinds(type_))


def _misfit(value: str, type_: Any) -> str:
    """What would have fitted, for a value that is no such number or none of the choices; empty where it may fit."""
    kinds = _kinds(type_)
    if len(kinds) != 1 or (value == "None" and kinds != [type_]):
        return ""
    kind = kinds[0]
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        return "" if value in choices else f"one of {', '.join(choices)}"
    if kind not in _NUMBERS:
        return ""
    try:
        kind(value)
    except ValueError:
        return _NUMBERS[kind]
    return ""
