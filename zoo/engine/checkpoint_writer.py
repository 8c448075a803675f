"""Checkpoints, written beside the training: a step waits until the state is copied, and not until it is on the disk."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from zoo.errors import RunError, in_one_line
from zoo.run.checkpoint import write_snapshot
from zoo.run.marks import mark
from zoo.run.retention import prune
from zoo.run.snapshot import Snapshot

log = logging.getLogger(__name__)


class CheckpointWriter:
    """Writes a run's checkpoints, one at a time, in a thread of its own.

    One whose writing fails says so when it is asked next: by `collect`, `begin` of another, or `finish`.
    """

    def __init__(
        self,
        folder: Path,
        keep: int,
        saved_step: int | None,
        on_written: Callable[[int, Path], object] = lambda step, path: None,
    ) -> None:
        """`folder`: of the checkpoints, of which `keep` are kept. `saved_step`: that of the newest. `on_written` is called, in the
        thread of who asks, with each that is written.
        """
        self._folder, self._keep = folder, keep
        self._on_written = on_written
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="zoo-checkpoint")
        self._writing: Future[Path] | None = None
        self.saved_step = saved_step
        """The step of the newest checkpoint that is whole."""
        self.submitted_step = saved_step
        """That of the newest whose writing has begun."""

    def begin(
        self,
        snapshot: Snapshot,
        protected: Collection[int] = (),
        before_commit: Callable[[], object] = lambda: None,
        keep_as: tuple[str, str] | None = None,
    ) -> None:
        """Write a checkpoint from now on. Waits for the one before, and raises what is said of that.

        `protected`: as `prune` takes it. `before_commit` is called as by `write_snapshot`, in the writing thread. `keep_as`: a name
        and words to mark it with, once it is whole and before any other is removed (`zoo.run.marks`).
        """
        self.finish()
        context = contextvars.copy_context()  # what is advised where a disk is full
        self.submitted_step = snapshot.step
        self._writing = self._writer.submit(context.run, self._write, snapshot, protected, before_commit, keep_as)

    def collect(self) -> None:
        """Tell of the checkpoint that is written by now, if there is one. Raises RunError where it could not be."""
        if self._writing is not None and self._writing.done():
            self.finish()

    def finish(self) -> None:
        """Wait for the checkpoint that is being written, and tell of it. Raises RunError where it could not be."""
        if self._writing is not None:
            self._writing.exception()  # waits; Ctrl-C meanwhile leaves it to `close`
            writing, self._writing = self._writing, None
            path = writing.result()
            self.saved_step = self.submitted_step
            self._on_written(self.submitted_step or 0, path)

    def wait(self) -> int | None:
        """Wait for the checkpoint that is being written, whether or not it can be; the step of the newest that is whole."""
        whole = self._writing is not None and self._writing.exception() is None
        return self.submitted_step if whole else self.saved_step

    def close(self) -> None:
        """Wait for the checkpoint that is being written. One that could not be is a line in the log: something else has failed."""
        try:
            error = None if self._writing is None else self._writing.exception()
            if isinstance(error, Exception):
                log.warning("the checkpoint of step %s is not written: %s", self.submitted_step, in_one_line(error))
        finally:
            self._writer.shutdown()

    def _write(
        self,
        snapshot: Snapshot,
        protected: Collection[int],
        before_commit: Callable[[], object],
        keep_as: tuple[str, str] | None,
    ) -> Path:
        path = self._folder / f"step-{snapshot.step:08d}"
        write_snapshot(path, snapshot, before_commit)
        if keep_as is not None:
            mark(path, *keep_as)
        try:
            prune(self._folder, self._keep, protected)
        except RunError as error:  # the new one is whole all the same; older ones stay until the next time
            log.warning("older checkpoints are not removed: %s", error)
        return path
