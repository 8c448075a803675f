"""How a run shows itself: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from zoo.callback import Callback
from zoo.cli.console import standard_output
from zoo.cli.stopping import Stopped
from zoo.run.html import clock, losses, speed
from zoo.run.run import quoted
from zoo.system.names import printable

if TYPE_CHECKING:
    from zoo.run.run import Run

PLAIN_SECONDS = 2.0
"""Seconds between two plain lines, at least."""


class Progress(Callback):
    """Shows the preparation of the data and the steps of a run; use it as a context."""

    def __init__(self) -> None:
        self.console = standard_output()
        self._live = self.console.is_terminal
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._shown = 0.0
        self._steps = 0
        self._began = (0, 0.0)
        self._seconds = 0.0
        self._ended = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_bars()
        if isinstance(error, Stopped):
            error.told = self._ended

    def on_note(self, line: str) -> None:
        """Print the line."""
        (self._bars.console if self._bars else self.console).print(
            printable(line, lines=True), soft_wrap=True, markup=False
        )

    def on_prepare(self, done: int, total: int) -> None:
        """Move the bar of the preparation."""
        if not self._live:
            if done == total or time.monotonic() - self._shown > PLAIN_SECONDS:
                self._shown = time.monotonic()
                self.on_note(f"prepared {done:,} of {total:,} images")
            return
        if self._bars is None:
            self._open_bars("{task.description}", "preparing images", total)
        self._update(done)
        if done == total:
            self._close_bars()

    def on_start(self, run: Run, step: int, steps: int) -> None:
        """Say where the run is; begin the line."""
        self._steps = steps
        self._began = (step, time.monotonic())
        kind = "points" if run.geometry()[0].points else "images"
        self.on_note(f"run {run.path}  ({run.architecture}, {run.data_count:,} {kind} of {run.data_title})")
        if self._live:
            self._open_bars("{task.fields[losses]}", "training", steps)
            self._update(step)

    def on_step(self, step: int) -> None:
        """Move the bar."""
        if self._live:
            self._update(step)

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """Show the numbers."""
        self._seconds = float(metrics["seconds"])
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, losses=describe(metrics, short=self.console.width < 110))
            return
        step, now = int(metrics["step"]), time.monotonic()
        if step == self._steps or now - self._shown >= PLAIN_SECONDS:
            self._shown = now
            first, began = self._began
            left = (now - began) / max(step - first, 1) * (self._steps - step)
            self.on_note(f"step {step}/{self._steps}  {describe(metrics)}  {clock(left)} left")

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Say what there is to look at, or how to go on."""
        self._close_bars()
        self._ended = True
        if not finished:
            self.on_note(f"stopped after step {step}, saved; go on with: zoo resume {quoted(run.path)}")
            return
        self.on_note(f"done: {step} steps{self._took(step)}")
        for picture in run.samples[-1:]:
            self.on_note(f"  pictures    {picture}")
        if (film := run.path / "samples.gif").is_file():
            self.on_note(f"  over time   {film}")
        if (curves := run.path / "curves.png").is_file():
            self.on_note(f"  curves      {curves}")
        if (report := run.path / "report.html").is_file():
            self.on_note(f"  report      {report}")
        kind = "npy" if run.config["data"].get("points") else "png"
        self.on_note(f"  more        zoo sample {quoted(run.path)} --out more.{kind}")

    def _took(self, step: int) -> str:
        """How long the steps took, and all of it where that is longer: what is measured, drawn and saved takes time too."""
        if not self._seconds:
            return ""
        first, began = self._began
        elapsed = time.monotonic() - began
        more = f", {clock(elapsed)} with all that was measured, drawn and saved" if not first else ""
        return f" in {clock(self._seconds)}" + (more if elapsed > max(1.2 * self._seconds, self._seconds + 2) else "")

    def _open_bars(self, text: str, description: str, total: int) -> None:
        self._close_bars()
        room = max(6, min(30, self.console.width - 76))  # what the numbers leave
        columns = (MofNCompleteColumn(), BarColumn(room), TextColumn(text), TimeRemainingColumn(compact=True))
        self._bars = Bars(*columns, console=self.console, refresh_per_second=4)
        self._task = self._bars.add_task(description, total=total, losses="")
        self._bars.start()

    def _update(self, done: int) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done)

    def _close_bars(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = self._task = None


def describe(metrics: Mapping[str, float], short: bool = False) -> str:
    """The numbers of a log line that a person follows; `short` fits a terminal of 80 columns."""
    return "  ".join(part for part in (losses(metrics, short), speed(metrics, short)) if part)
