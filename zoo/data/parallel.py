"""Work on many things by several threads, with the results in order and few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 16  # each holds a whole decoded picture


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int | None = None) -> Iterator[R]:
    """The result of `work` for each item, in their order. `items` are drawn by the calling thread, a few ahead.

    `workers`: threads; all cores by default. What goes wrong in one of them is raised in its place.
    """
    threads = max(1, workers or min(_MOST_WORKERS, os.cpu_count() or 1))
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-data")
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
