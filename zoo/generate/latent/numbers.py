"""Seed numbers: the names that pictures are known by. Importing this imports no torch.

Picture number s is drawn from the latent of seed s alone: it is the same picture whatever is drawn beside it. In a run
without classes ``zoo sample RUN --n 1 --seed s`` draws it too; in one with classes that draws the first class, if no other
is asked for, and number s is of class s modulo their number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zoo.errors import OptionError
from zoo.generate.request import is_whole

LARGEST = 2**32 - 1
"""The largest seed number: the random generator takes 32 bits, so that a larger one would name a picture twice."""

MOST = 10**6
"""Seed numbers that can be asked for at once."""

HOW = "write numbers and ranges with commas between: 3,17,21 or 0-63"


def parse_numbers(text: str, flag: str = "seeds") -> list[int]:
    """Seed numbers from text like ``3,17,21``, ``0-63`` or ``0-9,40``, in the order given; a range has both its ends.

    Raises OptionError, which names `flag`, for text that is none, and for more than MOST of them.
    """
    if not isinstance(text, str):
        raise OptionError(f"{flag} {text!r}: give text; {HOW}")
    ranges: list[range] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?", part)
        if not match:
            what = f"{part.strip()!r} is no seed number" if part.strip() else "it has an empty place"
            raise OptionError(f"{flag} {_short(text)}: {what}; {HOW}")
        if max(map(len, filter(None, match.groups()))) > 20:  # before int(), which refuses thousands of digits
            raise OptionError(f"{flag} {_short(text)}: seed numbers go from 0 to {LARGEST}")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first:
            raise OptionError(f"{flag} {_short(text)}: the range {first}-{last} runs backwards; write {last}-{first}")
        ranges.append(range(first, last + 1))
    if sum(map(_length, ranges)) > MOST:
        raise OptionError(f"{flag} {_short(text)}: that is more than {MOST:,} pictures; ask for fewer at once")
    return check_numbers((number for each in ranges for number in each), flag)


def check_numbers(numbers: Iterable[int], flag: str = "seeds") -> list[int]:
    """Seed numbers as a list. Raises OptionError where there are none, too many, or one is none."""
    if isinstance(numbers, range) and _length(numbers) > MOST:
        raise OptionError(f"{flag}: that is more than {MOST:,} pictures; ask for fewer at once")
    if isinstance(numbers, str) or not hasattr(numbers, "__iter__"):
        raise OptionError(f"{flag} {numbers!r}: give a list of seed numbers, as in [3, 17]")
    found = list(numbers)
    if not found:
        raise OptionError(f"{flag}: give at least one seed number; they go from 0 to {LARGEST}")
    for number in found:
        if not is_whole(number):
            raise OptionError(f"{flag}: {number!r} is no seed number; give whole numbers from 0 to {LARGEST}")
        if not 0 <= number <= LARGEST:
            raise OptionError(f"{flag}: {number} is no seed number; they go from 0 to {LARGEST}")
    return [int(number) for number in found]


def describe_numbers(numbers: list[int], most: int = 12) -> str:
    """Seed numbers as they can be given again: ``0-63``, ``3, 17, 21``; what is past the first `most` parts is left out."""
    parts: list[str] = []
    start = 0
    for end in range(1, len(numbers) + 1):
        if end < len(numbers) and numbers[end] == numbers[end - 1] + 1:
            continue
        first, last = numbers[start], numbers[end - 1]
        parts += [f"{first}-{last}"] if last - first > 1 else [str(number) for number in numbers[start:end]]
        start = end
    return ",".join(parts[:most]) + (",…" if len(parts) > most else "")


def _length(numbers: range) -> int:
    return (
        numbers.stop - numbers.start + numbers.step - 1
    ) // numbers.step  # len() refuses what sys.maxsize cannot hold


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
