"""Whether the prepared data is what was prepared, found out while the training begins."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from zoo.data.store import ImageStore
from zoo.errors import DataError
from zoo.run.run import Run, quoted


class DataCheck:
    """Reads a store from end to end in a thread of its own, and compares digests: most of a second per GiB.

    Whoever keeps something that was learnt from it calls `finish` first.
    """

    def __init__(self, store: ImageStore, run: Run) -> None:
        self._run = run
        self._store = store
        self._stopped = threading.Event()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="zoo-data-check")
        self._damage: Future[str] | None = None

    def begin(self) -> None:
        """Read on from now, what was not read when it was opened (`prepare`)."""
        if self._store.is_small:
            return
        self._damage = self._reader.submit(self._store.damage, self._stopped.is_set)

    def finish(self) -> None:
        """Wait for the end. Raises DataError where the data is not what was prepared, which is removed, to be prepared anew;
        and where it cannot be read."""
        damage = "" if self._damage is None else self._damage.result()
        if not damage:
            return
        gone = "it is removed" if self._store.discard() else f"remove {self._store.directory}"
        checkpoints, path = self._run.checkpoints, quoted(self._run.path)
        then = (
            f"zoo resume {path} prepares it anew and goes on from step {checkpoints[-1][0]}"
            if checkpoints
            else f"zoo resume {path} prepares it anew and begins again at step 0"
        )
        raise DataError(f"the prepared data in {self._store.directory} is damaged ({damage}); {gone}; {then}")

    def close(self) -> None:
        """End it, whether or not it is through."""
        self._stopped.set()
        self._reader.shutdown()
