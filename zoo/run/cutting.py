"""Where a metrics file is cut off, so that it ends at a step: in its place, or else what it is to hold."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.run.lines import Kinds, chunks, parse, reading_lines
from zoo.system.reading import open_plain

Read = Callable[[bytes], "dict[str, Any] | None"]


def cut(path: Path, size: int) -> None:
    """Leave the first `size` bytes of a file, and have that on the disk."""
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


class Kept:
    """What is kept of a metrics file that is to end at a step."""

    def __init__(self, path: Path, step: int, read: Read | None = None) -> None:
        """`read` says what a line is to be more than an object with a step: it gives None for one that is damaged."""
        self.path, self.step, self._read = path, step, read
        self.whole = 0
        """The bytes that are kept, if `is_beginning`: up to there."""
        self.is_beginning = True
        self.damaged = 0
        for _ in self.pieces(counting=True):
            pass

    def pieces(self, counting: bool = False) -> Iterator[bytes]:
        """What is kept, in order, some megabytes at a time."""
        known = Kinds()
        ended = False
        with reading_lines(self.path), open_plain(self.path) as file:
            for chunk in chunks(file):
                steps = known.steps(chunk) if self._read is None else None
                if steps is not None and steps.max() <= self.step:
                    lines = [chunk]
                    ends_early = False
                else:
                    lines, ends_early = self._single(chunk, counting)
                if counting:
                    self.is_beginning &= not (ended and lines)
                    self.whole += sum(map(len, lines))
                ended = ended or ends_early
                yield from lines

    def _single(self, chunk: bytes, counting: bool) -> tuple[list[bytes], bool]:
        """The lines of a piece that are kept, each parsed, and whether some behind the last of them, or all, are not."""
        kept: list[bytes] = []
        left_out = False
        for line in io.BytesIO(chunk):
            metrics = (self._read or parse)(line)
            logged = None if metrics is None else metrics.get("step")
            if not isinstance(logged, int):
                self.damaged += counting
                self.is_beginning = False
            elif logged <= self.step:
                self.is_beginning &= not left_out
                kept.append(line)
                continue
            left_out = True
        return kept, left_out
