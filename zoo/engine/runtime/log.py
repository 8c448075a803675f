"""What zoo's logger says while somebody listens, handed to whom it concerns: trainings in several threads each hear their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LOGGER = logging.getLogger("zoo")


@dataclass(eq=False)
class Listener:
    """Who is told the lines that one thread logs."""

    tell: Callable[[str], object]
    shown: bool
    """Whether somebody shows the lines, so that stderr need not."""
    thread: int = field(default_factory=threading.get_ident)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within it what the listener's thread logs to the logger ``zoo``, of level INFO and above, is told to it.

    The other handlers are given what they would be given otherwise.
    """
    _DISPATCH.add(listener)
    try:
        yield
    finally:
        _DISPATCH.remove(listener)


class _Dispatch(logging.Handler):
    """Stands at the logger while anybody listens: level and propagation are changed by the first, and restored by the last."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()  # not the handler's own, which is held while a record is told
        self._listeners: list[Listener] = []
        self._before = logging.NOTSET, True
        self._usual_level = logging.WARNING

    def add(self, listener: Listener) -> None:
        """Listen too."""
        with self._lock:
            if not self._listeners:
                self._before, self._usual_level = (_LOGGER.level, _LOGGER.propagate), _LOGGER.getEffectiveLevel()
                _LOGGER.addHandler(self)
                _LOGGER.setLevel(min(self._usual_level, logging.INFO))
                _LOGGER.propagate = (
                    False  # handlers above are given records by `emit`, of the level that is usual there
                )
            self._listeners = [*self._listeners, listener]

    def remove(self, listener: Listener) -> None:
        """Listen no more."""
        with self._lock:
            self._listeners = [one for one in self._listeners if one is not listener]
            if not self._listeners:
                _LOGGER.removeHandler(self)
                _LOGGER.setLevel(self._before[0])
                _LOGGER.propagate = self._before[1]

    def handle(self, record: logging.LogRecord) -> bool:
        """As `logging.Handler.handle`, without its lock: a listener may take its time, and another thread need not wait."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Tell whoever listens in this thread, and whoever would be told if nobody listened."""
        mine = [one for one in self._listeners if one.thread == record.thread]
        if record.levelno >= logging.INFO:
            for listener in mine:
                listener.tell(record.getMessage())
        if record.levelno < self._usual_level:
            return
        parent = _LOGGER.parent if self._before[1] else None
        if parent is not None and parent.hasHandlers():
            parent.callHandlers(record)
        elif _LOGGER.handlers == [self] and not any(one.shown for one in mine):
            last = logging.lastResort
            if last is not None and record.levelno >= last.level:
                last.handle(record)


_DISPATCH = _Dispatch()
