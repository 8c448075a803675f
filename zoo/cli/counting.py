"""Shows how far a command is that writes many pictures: where nobody's output is in the way, and only if it takes its time."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zoo.run.html import clock

PATIENCE = 2.0
"""Seconds before anything is shown."""

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines, where standard error is no terminal."""


class Counting:
    """A bar on a terminal, plain lines elsewhere, on standard error; use it as a context."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._console = Console(stderr=True, highlight=False)
        self._began = self._shown = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Counting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def reach(self, done: int) -> None:
        """So many are done."""
        now = time.monotonic()
        if now - self._began < PATIENCE:
            return
        if self._console.is_terminal:
            if self._bar is None:
                columns = (TextColumn(self._what), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(compact=True))
                self._bar = Progress(*columns, console=self._console, transient=True, refresh_per_second=4)
                self._task = self._bar.add_task(self._what, total=self._total)
                self._bar.start()
            assert self._task is not None
            self._bar.update(self._task, completed=done)
        elif now - self._shown >= PLAIN_SECONDS and done < self._total:
            self._shown = now
            left = (now - self._began) / max(done, 1) * (self._total - done)
            print(f"{self._what}: {done:,} of {self._total:,}, {clock(left)} left", file=sys.stderr, flush=True)
