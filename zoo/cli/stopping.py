"""A command that is told to stop by a signal: it leaves with the code that shells know, 128 + the signal's number."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from zoo.engine.runtime.interrupt import stops_handled_by


class Stopped(KeyboardInterrupt):
    """A signal that asks the command to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number
        self.told = False
        """Whether the person has been told how it ended."""


@contextmanager
def stopping_by_signals() -> Iterator[None]:
    """Within it a signal that asks the process to stop raises Stopped; a training saves before it hands the signal on.

    What comes after the first, while things are being cleaned up, is a second Ctrl-C or nothing new: schedulers send signals twice.
    """
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not stopped or number == signal.SIGINT:
            stopped.append(number)
            raise Stopped(number)

    with stops_handled_by(stop):
        yield


def exit_code(stop: KeyboardInterrupt) -> int:
    """The exit code of a command that was stopped: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)
