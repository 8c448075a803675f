"""Work on many things by several threads, with the results in order and few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from zoo.data.bounds import IN_FLIGHT, weight

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 16  # each holds a whole decoded picture


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int | None = None) -> Iterator[R]:
    """The result of `work` for each item, in their order. `items` are drawn by the calling thread, a few ahead, and fewer of heavy
    ones.

    `workers`: threads; all cores by default. What goes wrong in one of them is raised in its place.
    """
    threads = max(1, workers or min(_MOST_WORKERS, os.cpu_count() or 1))
    pending: deque[tuple[Future[R], int]] = deque()
    held = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-data")
    try:
        for item in items:
            pending.append((pool.submit(work, item), weight(item)))
            held += pending[-1][1]
            del item
            while pending and (len(pending) >= 2 * threads or held > IN_FLIGHT):
                done, size = pending.popleft()
                yield done.result()
                held -= size
        while pending:
            yield pending.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
