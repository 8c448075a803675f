"""A command that wrote some of its pictures: says how many are there, and what to type for the others."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from zoo.cli.stopping import Stopped, stopping_by_signals
from zoo.errors import RunError
from zoo.generate.pictures.folder import PictureFolder


@contextmanager
def keeping(
    folder: PictureFolder, first: int, last: int, words: Sequence[str], counted: bool
) -> Iterator[PictureFolder]:
    """Around the writing of pictures `first` to `last` (not included): signals end it with what is whole, and the message says so.

    `words`: the command line. `counted`: whether its ``--n`` counts from ``--start`` on.
    """
    try:
        with stopping_by_signals(), folder:
            yield folder
    except (KeyboardInterrupt, RunError) as error:
        done, place = folder.done, first + folder.done
        there = (
            f"{done:,} of {last - first:,} pictures are in {folder.folder}, each of them whole"
            if done
            else "no picture is there"
        )
        more = {"--start": place, "--n": last - place} if counted else {"--start": place}
        line = f"{there}; go on with: {again(words, more)}" if done else there
        if isinstance(error, RunError):
            raise type(error)(f"{error}; {line}") from error
        with suppress(OSError):  # the terminal is gone
            print(f"zoo: interrupted; {line}", file=sys.stderr)
        if isinstance(error, Stopped):
            error.told = True
        raise


def again(words: Sequence[str], more: Mapping[str, int]) -> str:
    """The command line with these options in place of what it says of them.

    >>> again(["sample", "a run", "--n", "9", "--start=2"], {"--n": 4, "--start": 7})
    "zoo sample 'a run' --n 4 --start 7"
    """
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in more:
            skip = True
        elif word.partition("=")[0] not in more:
            kept.append(word)
    return shlex.join(["zoo", *kept, *(part for flag, value in more.items() for part in (flag, str(value)))])
