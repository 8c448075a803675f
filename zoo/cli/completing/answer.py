"""What is offered at a place of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["words", "paths", "files"]


@dataclass(frozen=True)
class Answer:
    """Values, each with a few words on it (or none), whatever has been typed of them: a shell has its own idea of a match."""

    values: Mapping[str, str]
    kind: Kind = "words"
    """``paths``: the values are paths, which a shell writes in its own way; ``files``: whatever files there are fit too."""

    def after(self, prefix: str) -> Answer:
        """The same behind a prefix that is part of the word, as ``--preset=``."""
        return Answer({prefix + value: words for value, words in self.values.items()}, self.kind)

    def with_part(self, typed: str) -> Answer:
        """Those alone in which what is typed occurs, in whichever case."""
        fits = {value: about for value, about in self.values.items() if typed.casefold() in value.casefold()}
        return Answer(fits, self.kind)

    def lines(self) -> str:
        """As the scripts read it: the kind, then a line for each value, with a tab before the words on it."""
        rows = [_row(value, words) for value, words in self.values.items() if _fits_a_line(value)]
        return "\n".join([self.kind, *rows]) + "\n"


NOTHING = Answer({})


def words(names: Iterable[str]) -> Answer:
    """Names that need no words."""
    return Answer(dict.fromkeys(names, ""))


def _row(value: str, about: str) -> str:
    about = " ".join(about.split())
    return f"{value}\t{about}" if about else value


def _fits_a_line(value: str) -> bool:
    return bool(value) and value.isprintable() | any("\udc80" <= letter <= "\udcff" for letter in value)
