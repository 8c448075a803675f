"""The errors a person can meet. Each message says what was given, what would have fitted and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """A mistake or a circumstance that the person at the keyboard can mend; the command line prints it without a traceback."""


class OptionError(ZooError):
    """An option, preset or configuration file that does not fit."""


class PluginError(ZooError):
    """A plugin that cannot be loaded, or whose contribution does not keep the contract."""

    named = False
    """Whether the message says which plugin, of what distribution."""
    advised = False
    """Whether it says what to do about the run at hand."""


class DataError(ZooError):
    """Data that is missing, damaged or of a shape that cannot be used."""


class RunError(ZooError):
    """A run directory or checkpoint that cannot be written, read or continued."""


class NoGeneratorError(RunError):
    """Something asks for the generator of pictures that come from a file or a folder."""


class NativeError(ZooError):
    """A native core that is present but does not load."""


def in_one_line(error: Exception) -> str:
    """What an error says, without the lines after the first; of one that is not zoo's, its name too.

    >>> in_one_line(ImportError("no module\\nbecause of this and that"))
    'ImportError: no module'
    """
    words = str(error).strip().partition("\n")[0].rstrip()
    if isinstance(error, ZooError) and words:
        return words
    name = type(error).__name__
    return f"{name}: {words}" if words else name


_MANY = 40  # names that nobody reads
_LONGEST = 100  # letters of a name


def nearest(given: str, known: Iterable[str]) -> list[str]:
    """The known name that is most like the given one; none where none is like it."""
    return difflib.get_close_matches(given[:_LONGEST], list(known), n=1, cutoff=0.55)


def unknown(kind: str, given: str, known: Iterable[str], where: str = "") -> str:
    """The sentence for a name that does not exist: names the nearest known one, or lists all of them where they are few.

    >>> unknown("architecture", "dcgn", ["dcgan", "vanilla"], "zoo list")
    "unknown architecture 'dcgn'; did you mean 'dcgan'? (zoo list)"
    """
    names = list(known) if isinstance(known, list) else sorted(known)  # a list has an order of its own
    near = nearest(given, names)
    if near:
        advice = f"did you mean {near[0]!r}?"
    elif len(names) > _MANY:
        advice = f"none of the {len(names)} that are known is like it"
    elif names:
        advice = "known: " + ", ".join(names)
    else:
        advice = "none is known"
    named = repr(given if len(given) <= _LONGEST else given[:_LONGEST] + "…")
    return f"unknown {kind} {named}; {advice}" + (f" ({where})" if where else "")
