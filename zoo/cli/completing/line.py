"""Bash's line as words. (zsh and fish hand over words; bash cuts its own at ``=`` and ``:`` too.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.cli.completing.answer import Answer

BREAKS = " \t\n\"'><=;|&(:"
"""Where bash begins another word, unless it is told otherwise (COMP_WORDBREAKS)."""


@dataclass(frozen=True)
class Line:
    """A line up to the cursor."""

    words: list[str]
    """The words before the one that is being typed, without quotes."""
    current: str
    """What is typed of that one, without quotes."""
    cut: int
    """How many letters of `current` bash takes for an earlier word."""
    quoted: bool
    """Whether a quote is open."""

    def replies(self, answer: Answer) -> Mapping[str, str]:
        """The values that go on with what is typed, as bash is to put them in place of what it takes for the word."""
        fits = {value: about for value, about in answer.values.items() if value.startswith(self.current)}
        if answer.kind != "words":  # bash itself quotes paths, and puts the slash behind folders
            return {value[self.cut :].rstrip("/"): about for value, about in fits.items()}
        return {_escaped(value[self.cut :], self.quoted): about for value, about in fits.items()}


def split(text: str, breaks: str = BREAKS) -> Line:
    """A line up to the cursor, taken apart as a shell does, but for what it would put in place of variables and patterns."""
    words: list[str] = []
    word: list[str] | None = None
    quote, cut, letters = "", 0, iter(text)
    for letter in letters:
        if letter == "\\" and quote != "'":
            following = next(letters, "")
            word = [*(word or []), "\\" if quote and following not in '"\\$`' else "", following]
        elif quote:
            quote = "" if letter == quote else quote
            word = [*(word or []), letter if quote else ""]
        elif letter in "\"'":
            quote, word = letter, word or []
        elif letter.isspace():
            words += [] if word is None else ["".join(word)]
            word, cut = None, 0
        else:
            word = [*(word or []), letter]
            cut = len("".join(word)) if letter in breaks else cut
    return Line(words, "".join(word or []), cut, bool(quote))


def _escaped(value: str, quoted: bool) -> str:
    if quoted:
        return value
    return "".join(letter if letter.isalnum() or letter in "-_./=:,@%+" else f"\\{letter}" for letter in value)
