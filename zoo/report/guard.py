"""What keeps a report within its run: nothing outside is read, and what is damaged is left out with a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from zoo.errors import in_one_line
from zoo.system.names import cut, printable

T = TypeVar("T")
Other = TypeVar("Other")

MOST_LINES = 30
"""Lines about what is left out that are shown; a run can be damaged in a million places."""


def is_within(home: Path, place: Path) -> bool:
    """Whether a path, with all links in it followed, lies in the folder `home`."""
    return Path(os.path.realpath(place)).is_relative_to(os.path.realpath(home))


class Guard:
    """Reads the parts of one run, and keeps a line on each that could not be read."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        """What is left out and why, a line each."""

    def read(self, what: str, read: Callable[[], T], otherwise: Other, *names: str) -> T | Other:
        """What `read` gives; `otherwise` where that fails, or one of `names` in the run's folder leads out of it."""
        for name in names:
            if not is_within(self.home, self.home / name):
                self.leave_out(f"{what}: {name} is a link that leads out of the run")
                return otherwise
        try:
            return read()
        except Exception as error:  # of what somebody else wrote: whatever is wrong with it, the rest is shown
            self.leave_out(f"{what}: {in_one_line(error)}")
            return otherwise

    def leave_out(self, line: str) -> None:
        """Keep a line."""
        if len(self.lines) < MOST_LINES:
            self.lines.append(cut(printable(line), 400))
