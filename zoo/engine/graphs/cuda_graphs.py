"""Records work for a GPU as CUDA graphs (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch


class CudaGraphs:
    """Graphs of one device that share their memory: each may use for its work what another has used for its own.

    What is to outlive a replay, inputs and results, must therefore lie in memory that was there before the capture.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._failed: list[torch.cuda.CUDAGraph] = []

    @contextmanager
    def stream(self) -> Iterator[None]:
        """A block whose work is queued where graphs are captured and replayed: after all before it, before all behind it.

        Work that is to be captured later has to run here at first: libraries set themselves up for each stream.
        """
        around = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(around)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            around.wait_stream(self._stream)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work without doing it; what comes back does it. To be called within `stream`.

        Raises what the work raises, and RuntimeError where it waits for the device or does what else no graph can hold.
        """
        graph = torch.cuda.CUDAGraph()
        reason: BaseException | None = None
        try:
            # thread_local: the thread that prepares batches goes on asking CUDA for page-locked memory meanwhile.
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                try:
                    work()
                except BaseException as error:
                    reason = error
                    raise
        except BaseException as error:  # that of a capture which cannot be ended, where the work failed before
            self._recover(graph)
            raise reason or error from None
        return graph.replay

    def _recover(self, failed: torch.cuda.CUDAGraph) -> None:
        """After a capture that failed torch's random numbers still wait for its end; the end of one that succeeds is as good.

        Up to torch 2.11 its allocators wait too: memory that two streams have used, as that of every batch, would never be free
        again, and no other graph could use the pool. That of the device is told that the capture has ended; that of page-locked
        memory cannot be, and goes on asking the graph, which is kept for it. Later captures have a pool of their own.
        """
        end: Any = getattr(torch._C, "_cuda_endAllocateToPool", None)
        if end is not None:
            with suppress(Exception):  # where it has been told already
                end(self._stream.device.index, self._pool)
        self._failed.append(failed)
        self._pool = torch.cuda.graph_pool_handle()
        with suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a graph of nothing
            with torch.cuda.graph(torch.cuda.CUDAGraph(), stream=self._stream, capture_error_mode="thread_local"):
                pass
