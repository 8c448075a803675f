"""Standard streams that cannot end what goes on behind them: a reader that went away, a full disk, a closed terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class Unfailing:
    """A text stream that goes quiet, for good, where it cannot be written any more."""

    def __init__(self, stream: TextIO, name: str, tell: Unfailing | None = None) -> None:
        """`name`: what a person calls it. `tell`: where a line says that it is quiet now."""
        self._stream, self._name, self._tell = stream, name, tell
        self._quiet = False

    def write(self, text: str) -> int:
        """Write as far as that is possible; the number of characters given."""
        if not self._quiet:
            try:
                self._stream.write(text)
            except (
                BlockingIOError
            ):  # a terminal that somebody else has made non-blocking, and that is full for a moment
                pass
            except (OSError, ValueError) as error:
                self._fall_silent(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what was written, as far as that is possible."""
        if not self._quiet:
            try:
                self._stream.flush()
            except BlockingIOError:
                pass
            except (OSError, ValueError) as error:
                self._fall_silent(error)

    def _fall_silent(self, error: Exception) -> None:
        self._quiet = True
        silence(self._stream)
        if self._tell is not None:
            why = getattr(error, "strerror", None) or error
            self._tell.write(f"zoo: {self._name} cannot be written any more ({why}); it goes on without\n")
            self._tell.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def silence(stream: TextIO) -> None:
    """Let a stream that cannot be written lead nowhere, with what it still holds: nothing is said of it when Python ends."""
    with suppress(OSError, ValueError, AttributeError):  # no file of the system's
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def is_broken(stream: TextIO) -> bool:
    """Whether what is written to it has nowhere to go; to find out, an empty line is written."""
    try:
        print(file=stream, flush=True)
    except OSError:
        return True
    return False


@contextmanager
def unfailing_streams() -> Iterator[None]:
    """Within it nothing that is printed, whoever prints it, can raise: a training goes on, seen or not."""
    former = sys.stdout, sys.stderr
    errors = None if sys.stderr is None else Unfailing(sys.stderr, "standard error")
    if errors is not None:
        sys.stderr = cast(TextIO, errors)
    if sys.stdout is not None:
        sys.stdout = cast(TextIO, Unfailing(sys.stdout, "standard output", errors))
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Unfailing):
                stream.flush()
        sys.stdout, sys.stderr = former
