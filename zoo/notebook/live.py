"""How a training goes, in a notebook: a bar, and below it the newest sample grid."""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from zoo.callback import Callback
from zoo.notebook.kernel import Output, in_notebook
from zoo.run.html import LARGEST, bar, clock, losses, speed
from zoo.run.run import Run
from zoo.system.reading import read_plain

BAR_SECONDS, PICTURE_SECONDS = 0.5, 2.0
"""Seconds between two bars and two pictures, at least: a message to the browser takes a millisecond or two."""

NOTES = 8
"""How many lines worth knowing are shown, the newest."""


class Live(Callback):
    """Shows a bar and the newest grid, replaced in place; use it as a context, so that it can say that an error has come."""

    def __init__(self, output: Callable[[], Any] = Output, now: Callable[[], float] = time.monotonic) -> None:
        """`output` makes a place to show something in, `now` tells the seconds: a test has its own."""
        self._bar, self._picture, self._now = output(), output(), now
        self._bar_at = self._picture_at = float("-inf")
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._what, self._done, self._total = "", 0, 0
        self._began = (0, 0.0)
        self._metrics: dict[str, Any] = {}
        self._waiting: Path | None = None
        self._failed = self._over = False

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._what and not self._over:
            self._show_bar(f"{self._words()}  stopped by {kind.__name__}")

    def on_note(self, line: str) -> None:
        """Keep the line below the bar."""
        self._notes.append(line)
        self._show_bar(self._words())

    def on_prepare(self, done: int, total: int) -> None:
        """Move the bar of the preparation."""
        self._what, self._done, self._total = "images prepared", done, total
        self._show_bar(self._words(), in_time=done != total)

    def on_start(self, run: Run, step: int, steps: int) -> None:
        """Begin the bar of the training."""
        self._what, self._done, self._total = "steps", step, steps
        self._began = (step, self._now())
        self._show_bar(self._words())

    def on_step(self, step: int) -> None:
        """Move the bar, if it is time."""
        self._done = step
        now = self._now()
        if now - self._bar_at >= BAR_SECONDS:
            self._show_bar(self._words())
        if self._waiting is not None and now - self._picture_at >= PICTURE_SECONDS:
            self._show_picture()

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """Keep the numbers for the next bar."""
        self._metrics = dict(metrics)

    def on_sample(self, step: int, picture: Path) -> None:
        """Show the picture: at once the first, any other if it is time, or else later."""
        self._waiting = picture
        if self._now() - self._picture_at >= PICTURE_SECONDS:
            self._show_picture()

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Show the last of both, which stay."""
        self._done, self._over = step, True
        spent = clock(self._now() - self._began[1])
        how = f"in {spent}" if finished else "stopped, saved: zoo.resume goes on"
        self._show_bar(f"{step} of {self._total} steps  {losses(self._metrics)}  {how}  {run.path}")
        if self._waiting is not None:
            self._show_picture()

    def _words(self) -> str:
        parts = [f"{self._done:,} of {self._total:,} {self._what}" if self._what else ""]
        if self._what == "steps":
            first, began = self._began
            parts += [losses(self._metrics), speed(self._metrics)]
            if self._done > first:
                parts.append(f"{clock((self._now() - began) / (self._done - first) * (self._total - self._done))} left")
        return "  ".join(part for part in parts if part)

    def _show_bar(self, words: str, in_time: bool = False) -> None:
        now = self._now()
        if in_time and now - self._bar_at < BAR_SECONDS:
            return
        self._bar_at = now
        html = bar(self._done, self._total, words, list(self._notes))
        self._show(self._bar, {"text/html": html, "text/plain": "\n".join([words, *self._notes])})

    def _show_picture(self) -> None:
        path, self._waiting, self._picture_at = self._waiting, None, self._now()
        try:
            png = b"" if path is None else read_plain(path, LARGEST)
        except OSError:
            return
        if 0 < len(png) <= LARGEST:
            self._show(self._picture, {"image/png": base64.b64encode(png).decode(), "text/plain": str(path)})

    def _show(self, place: Any, content: dict[str, Any]) -> None:
        """Show, if that still works: a training does not depend on who watches."""
        if self._failed:
            return
        try:
            place.show(content)
        except Exception:  # a browser's connection that is gone, a display hook of the person's own
            self._failed = True


@contextmanager
def live(wanted: bool | None, callbacks: Sequence[Callback]) -> Iterator[list[Live]]:
    """What shows a training in a notebook, or nothing: as `wanted`, or if that is None, where the caller has no callbacks."""
    shown = not callbacks if wanted is None else wanted
    if not (shown and in_notebook()):
        yield []
        return
    with Live() as one:
        yield [one]
