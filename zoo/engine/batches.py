"""The batches of a run, on its device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch

from zoo.data.batching import Batching, Position
from zoo.data.loader import Batch, Loader

_AHEAD = 2  # batches by which the host may be ahead of a GPU: enough for it never to wait, and bounded memory


class Batches:
    """Draws batches from a loader, and knows how many have been drawn.

    On a GPU a batch is copied on a stream of its own, while the steps before it are still at work: the host is ahead of them.

    Args:
        loader: prepares them.
        device: where they are wanted.
        ahead: by how many the host may be ahead of a GPU, 2 at least. For captured steps, as many as one takes: it has all of its
            batches before it begins, and with fewer the host would wait for the step before in the midst of them.
    """

    def __init__(self, loader: Loader, device: torch.device, ahead: int = _AHEAD) -> None:
        self.loader = loader
        self._ahead = max(_AHEAD, ahead)
        self.device = device
        self.drawn = 0
        self._iterator: Iterator[Batch] | None = None
        self._copies: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._events: deque[torch.cuda.Event] = deque()

    def __call__(self) -> Batch:
        """The next batch."""
        if self._iterator is None:
            self._iterator = self.loader.stream(self.drawn)
        batch = next(self._iterator)
        self.drawn += 1
        return self._moved(batch) if self._copies is None else self._copied(batch, self._copies)

    def _moved(self, batch: Batch) -> Batch:
        labels = batch.labels
        return Batch(
            batch.images.to(self.device, non_blocking=True),
            None if labels is None else labels.to(self.device, non_blocking=True),
        )

    def _copied(self, batch: Batch, copies: torch.cuda.Stream) -> Batch:
        working = torch.cuda.current_stream(self.device)
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._events.append(working.record_event(event))
        if len(self._events) > self._ahead:
            self._events.popleft().synchronize()
        with torch.cuda.stream(copies):
            batch = self._moved(batch)
        working.wait_stream(copies)
        for tensor in batch:
            if tensor is not None:
                # Its memory belongs to the other stream, which is not to use it again before.
                tensor.record_stream(working)
        return batch

    @property
    def images(self) -> int:
        """How many real images have been drawn."""
        return self.loader.images_before(self.drawn)

    def close(self) -> None:
        """End the thread that prepares batches; more can be drawn all the same."""
        if self._iterator is not None:
            self._iterator.close()  # type: ignore[attr-defined]
            self._iterator = None

    def recut(self, before: Batching, step: int) -> None:
        """Go on with batches as the loader cuts them, where those up to `step` were cut as `before` from the same beginning."""
        loader = self.loader
        before = before.beginning(loader.batching.begins)
        loader.batching = loader.batching.beginning(before.position(self.drawn, step))

    def state_dict(self) -> dict[str, Any]:
        """The position in the data; and where batches of this size begin, if that was not with the run."""
        begins = self.loader.batching.begins
        return {"drawn": self.drawn} | ({} if begins == Position() else {"begins": asdict(begins)})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.close()
        self.drawn = int(state["drawn"])
        self.loader.batching = self.loader.batching.beginning(Position(**state.get("begins", {})))
