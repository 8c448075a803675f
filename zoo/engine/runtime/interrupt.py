"""A process that is told to stop: the training finishes its step and saves, and then the stop goes on to whom it was meant for."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from zoo.errors import in_one_line

log = logging.getLogger(__name__)

STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU")
"""Ctrl-C, a polite kill, a terminal that went away, a cluster's warning, a limit of processor time that is reached (and told of
again each second): those that the platform has end a training."""


def stop_signals() -> list[int]:
    """The signals that can be listened to here and now. None outside the main thread, where Python takes no signals.

    One that is ignored (SIGHUP under nohup) stays ignored. One that something outside Python handles is left to it: its handler
    could not be put back.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [int(getattr(signal, name)) for name in STOPS if hasattr(signal, name)]
    return [number for number in numbers if _listens(number)]


@contextmanager
def stops_handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Within it each of `stop_signals` calls `handler`; afterwards whoever handled it before does again."""
    former: dict[int, Any] = {}
    try:
        for number in stop_signals():
            former[number] = signal.signal(number, handler)
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)


def _listens(number: int) -> bool:
    handler = signal.getsignal(number)
    if handler is signal.SIG_DFL:
        return not _caught_outside(number)
    return handler is not None and handler is not signal.SIG_IGN


def _caught_outside(number: int) -> bool:
    """Whether a handler is there that Python knows nothing of, as of faulthandler.register() or an MPI; asked on Linux alone."""
    with suppress(OSError, StopIteration, ValueError, IndexError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        caught = next(line for line in lines if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
    return False


class Interrupt:
    """Holds a signal back while a training saves, and hands it on afterwards: a library does not swallow signals."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """The signal that asked to stop."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within it the first of `stop_signals` sets `signal` and nothing else.

        Ctrl-C after that raises KeyboardInterrupt at once: somebody will not wait. The others say nothing new, and schedulers are
        known to send them twice.
        """
        with stops_handled_by(self._note):
            yield

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt

    @contextmanager
    def handed_on(self) -> Iterator[None]:
        """When this block ends, the signal that was held back within it goes to the handler that was there before.

        Python's own raises KeyboardInterrupt for SIGINT; another is called, and decides; where there was none, the signal ends the
        process. An error that leaves the block is then the context of what the handler raises, or goes on where it raises nothing.
        """
        try:
            yield
        except Exception as error:
            self._hand_on(error)
            raise
        self._hand_on()

    def _hand_on(self, error: Exception | None = None) -> None:
        if self.signal is None:
            return
        if signal.getsignal(self.signal) is signal.SIG_DFL:  # which ends the process on the spot
            if error is not None:
                log.error("stopped by %s: %s", signal.Signals(self.signal).name, in_one_line(error))
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):  # closed, gone, or none at all
                    stream.flush()
        signal.raise_signal(self.signal)
