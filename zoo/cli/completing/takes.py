"""What a command takes: places and options, without values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Option:
    """An option, or a place that has a name but no flag."""

    name: str
    """As a field: learning_rate."""
    flags: Sequence[str]
    """As it is typed: --learning-rate; the first is offered, the others are known."""
    about: str = ""
    switch: bool = False
    """Whether it takes no value."""
    many: bool = False
    """Whether it takes several values."""
    path: bool = False
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Takes:
    """What a command takes."""

    places: Sequence[Option] = ()
    options: Sequence[Option] = field(default_factory=list)

    def option(self, flag: str) -> Option | None:
        """The option of a flag; None where there is none."""
        return next((option for option in self.options if flag in option.flags), None)


def typed(name: str) -> str:
    """A field's name as a flag; `zoo.options.resolve.flag` is the same, and brings pydantic."""
    return "--" + name.replace("_", "-")


def switch(name: str, about: str, default: object = False) -> Option:
    """A switch, with --no- before its name too; what changes the default is offered first."""
    flags = [typed(name), typed(f"no_{name}")]
    return Option(name, flags[:: -1 if default is True else 1], about, switch=True)


HELP = Option("help", ("--help", "-h"), "what there is to type", switch=True)
ARCHITECTURE = Option("architecture", ())
RUN = Option("run", (), path=True)
SHELL = Option("shell", ())
