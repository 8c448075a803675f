"""A folder of single pictures: written by several threads, each picture whole or not there."""

from __future__ import annotations

import io
import os
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from zoo.data.formats.picture import DRAWN
from zoo.errors import OptionError
from zoo.generate.pictures.grid import Pixels, to_picture
from zoo.generate.pictures.marks import mark
from zoo.generate.pictures.output import make_folder
from zoo.run.files import flush, writing

_AT_ONCE = 16
"""Pictures that a thread is handed at a time."""

_MOST_THREADS = 8

_NUMBERED = re.compile(r"([0-9]{1,18})(?:-.*)?\.png")

Picture = tuple[Path, Pixels]


class PictureFolder:
    """Writes PNG files, as Pillow does by default, while the caller makes the next; use it as a context.

    It ends when all are written. Where it ends early, what is whole and follows without a gap stays, and `done` counts it;
    nothing else does. A file is renamed into its place, so that a process that is killed leaves no half one. They are not
    forced onto the disk one by one, which would take several times as long as to write them: the folder is, at the end.

    Args:
        folder: made where it is not there.
        keep: whether pictures stay where it ends early; else none does.
        comment: what each file says of itself; by default that it is drawn.
    """

    def __init__(self, folder: Path, keep: bool = True, comment: str = DRAWN) -> None:
        self.folder = folder
        self.done = 0
        """Whole pictures, in the order in which they came, as far as is known; exact once the context has ended."""
        self._keep = keep
        self._comment = mark(comment, "PNG") if comment else {}
        self._written: list[Path] = []
        self._pending: deque[tuple[list[Path], Future[None]]] = deque()
        self._threads = max(1, min(_MOST_THREADS, (os.cpu_count() or 1) - 1))  # one is left for who draws
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="zoo-pictures")

    def __enter__(self) -> PictureFolder:
        make_folder(self.folder)
        return self

    def write(self, pictures: Iterable[tuple[str, Pixels]]) -> None:
        """Write pictures, uint8 (H, W, C), under these paths below the folder, without the suffix. Raises RunError, where one
        could not be written, an earlier one too."""
        each = ((self.folder / f"{name}.png", pixels) for name, pixels in pictures)
        while part := list(islice(each, _AT_ONCE)):
            self._pending.append(([path for path, _ in part], self._pool.submit(_write, part, self._comment)))
            while len(self._pending) > 2 * self._threads:
                self._wait()

    def _wait(self) -> None:
        paths, future = self._pending[0]
        future.result()
        self._pending.popleft()
        self.done += len(paths)
        if not self._keep:
            self._written += paths

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                while self._pending:
                    self._wait()
                with writing(self.folder):
                    flush(self.folder)
        except BaseException:
            self._end_early()
            raise
        else:
            if error is not None:
                self._end_early()
        finally:
            self._pool.shutdown(wait=True)

    def _end_early(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        whole = self._keep
        for paths, _ in self._pending:
            for path in paths:
                whole = whole and path.exists()
                if whole:
                    self.done += 1
                else:
                    path.unlink(missing_ok=True)
        self._pending.clear()
        if not self._keep:
            for path in self._written:
                path.unlink(missing_ok=True)
            self.done = 0


def _write(pictures: Sequence[Picture], comment: Mapping[str, Any]) -> None:
    for path, pixels in pictures:
        temporary = path.with_name(f".{path.stem[:200]}.{os.getpid()}.part")
        file = io.BytesIO()
        to_picture(np.asarray(pixels)).save(file, format="PNG", **comment)
        with writing(path):
            try:
                temporary.write_bytes(file.getbuffer())
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def free_numbers(folder: Path, first: int, last: int) -> int:
    """Digits of the numbers in the names of pictures `first` to `last` (not included), as many as those have that are there.

    Raises OptionError where the folder holds one of them.
    """
    numbers = numbers_in(folder)
    taken = [number for number in numbers if first <= number < last]
    if taken:
        raise OptionError(
            f"--start {first}: {folder} holds picture {min(taken)} already; give --start {max(numbers) + 1}, or another --out"
        )
    return max([4, len(str(last - 1)), *numbers.values()])


def numbers_in(folder: Path) -> dict[int, int]:
    """The numbers of the pictures in a folder, each with its digits."""
    with writing(folder):
        found = [_NUMBERED.fullmatch(name) for name in os.listdir(folder)] if folder.is_dir() else []
    return {int(match[1]): len(match[1]) for match in found if match}
