"""What can be asked of a generator, and what is meant where it is not said. Importing this imports no torch.

The command line asks before anything is loaded, and gives the names of its flags; `zoo.Generator` asks again, for Python.
"""

from __future__ import annotations

import math
import operator

from zoo.errors import OptionError

EACH = 8
"""Images of every class, where it is not said how many."""

FRAMES = 10_000
"""Pictures at most from one latent to the next."""


FARTHEST = 10**8
"""Pictures before the first at most: the latents of all of them are drawn, in about a second for each million."""


def is_whole(number: object) -> bool:
    """Whether it is a whole number, Python's or another library's; 1.0 is none, and neither is True."""
    try:
        operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(number, bool)


def check_count(n: int, name: str = "n") -> None:
    """Raise OptionError for a number of pictures that is none."""
    if not is_whole(n):
        raise OptionError(f"{name} {n!r}: ask for at least 1 picture, and a whole number of them")
    if n < 1:
        raise OptionError(f"{name} {n}: ask for at least 1 picture")


def check_start(start: int, name: str = "start") -> None:
    """Raise OptionError for a number of the first picture that is none."""
    if not is_whole(start) or not 0 <= start <= FARTHEST:
        raise OptionError(f"{name} {start!r}: give the number of the first picture, from 0 to {FARTHEST:,}")


def check_columns(columns: int, name: str = "columns") -> None:
    """Raise OptionError for a number of pictures in a row that is none."""
    if not is_whole(columns) or columns < 1:
        raise OptionError(f"{name} {columns}: give at least 1, the pictures in a row")


def check_seed(seed: int, name: str = "seed") -> None:
    """Raise OptionError for a number that seeds no random generator."""
    if not is_whole(seed) or not 0 <= seed < 2**63:
        raise OptionError(f"{name} {seed}: give a number from 0 to 2^63 - 1")


def check_best_of(best_of: int, name: str = "best_of") -> None:
    """Raise OptionError where none would be kept."""
    if not is_whole(best_of) or best_of < 1:
        raise OptionError(f"{name} {best_of}: give a number of at least 1; 20 keeps the best twentieth")


def check_truncation(limit: float | None, distribution: str = "normal", name: str = "truncation") -> None:
    """Raise OptionError for a limit that means nothing for this distribution; None is none."""
    if limit is None:
        return
    if isinstance(limit, str) or not hasattr(limit, "__float__") or not (math.isfinite(limit) and limit > 0):
        shown = f"{limit:g}" if isinstance(limit, float) else limit
        raise OptionError(f"{name} {shown}: give a number above 0; 1.5 keeps latents near the middle")
    if limit > 1 and distribution != "normal":
        raise OptionError(
            f"{name} {limit:g}: the latents of this run are uniform, and are scaled by it; give a number above 0, up to 1"
        )


def check_way(latents: int, frames: int, name: str = "frames") -> None:
    """Raise OptionError where there is no way between so many latents, or none of so many frames."""
    if latents < 2:
        raise OptionError(f"{latents} seed: there is no way from one to the next; give at least two, as in 3,17")
    if not is_whole(frames) or not 2 <= frames <= FRAMES:
        raise OptionError(
            f"{name} {frames}: that many from one seed to the next; ask for 2, the seeds themselves, up to {FRAMES}"
        )
