"""Batches for training: which images, in which order, prepared one step ahead."""

from __future__ import annotations

import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch

from zoo.data.batching import Batching
from zoo.data.gather import gather
from zoo.data.order import Indices, balanced, buffered, shuffled
from zoo.data.store import ImageStore
from zoo.errors import DataError

Order = Literal["shuffle", "buffer", "sequential", "slice"]

_AHEAD = 2  # batches that wait for the consumer
_RESIDENT = 64 << 20  # bytes of the store that may stay resident before they are released
_NEIGHBOURS = 64 << 10  # a page fault maps this much around the page that was asked for


class Batch(NamedTuple):
    """Some images of the data, with their labels."""

    images: torch.Tensor
    """float32 (B, C, H, W) in [-1, 1]."""
    labels: torch.Tensor | None
    """int64 (B,); None for unlabelled data."""


def check_batch(batch_size: int, images: int, hold_out: int = 0) -> None:
    """Raise DataError for a batch that so many images do not fill, of which some are held out."""
    if batch_size < 1:
        raise DataError(f"--batch-size {batch_size} is too small; choose at least 1")
    if hold_out and batch_size > images - hold_out:
        raise DataError(
            f"--hold-out {hold_out} leaves {max(0, images - hold_out)} of {images} images to learn from, less than one batch of "
            f"{batch_size}; hold out fewer"
        )
    if batch_size > images:
        raise DataError(f"--batch-size {batch_size} is larger than the data ({images} images); choose at most {images}")


class Loader:
    """Batches of a store; batch number i depends on nothing but the seed and i, so a run is continued by counting. (And on where
    batches of this size begin, where that was not with the run: `Batching`.)

    `order`: "shuffle" is a new permutation every epoch, "buffer" another one each time, made by a buffer of
    `shuffle_buffer` images that moves through the data, "sequential" the order of the files, "slice" a run of neighbours
    at a random start. The images of an epoch that do not fill a batch are left out, or are a smaller batch where
    `drop_remainder` is False. `flip` mirrors each image left to right with probability one half. Values lie in
    `value_range`. `channels_last` chooses the memory layout, `pin` puts batches into page-locked memory (only where CUDA is
    available). `hold_out` images, chosen by the seed, are in no batch. `balance` (labelled data, order "shuffle"): classes come in
    turn, equally often whatever their sizes; an epoch is as many images as ever. Raises DataError when a batch is larger than the
    data, and for what cannot be balanced.
    """

    def __init__(
        self,
        store: ImageStore,
        batch_size: int,
        *,
        seed: int = 0,
        order: Order = "shuffle",
        shuffle_buffer: int = 1000,
        drop_remainder: bool = True,
        flip: bool = False,
        value_range: tuple[float, float] = (-1.0, 1.0),
        channels_last: bool = False,
        pin: bool = False,
        hold_out: int = 0,
        balance: bool = False,
    ) -> None:
        check_batch(batch_size, len(store), hold_out)
        if shuffle_buffer < 1:
            raise DataError(f"--shuffle-buffer {shuffle_buffer} is too small; choose at least 1")
        if order not in get_args(Order):
            raise DataError(f"unknown order {order!r}; known: {', '.join(get_args(Order))}")
        self.store = store
        self.batch_size = batch_size
        self.held_out = places_held_out(len(store), hold_out, seed)
        """The places in the store of images that no batch holds (`hold_out` of them, chosen by the seed), in order."""
        self._kept = np.delete(np.arange(len(store), dtype=np.int64), self.held_out) if hold_out else None
        self.images = len(store) - hold_out
        """How many images there are to learn from."""
        self.batching = Batching.of(self.images, batch_size, drop_remainder or order == "slice")
        """Which images a batch holds, by their place in an epoch; may be set before the first batch is asked for."""
        self._seed = seed % 2**64
        self._order = order
        self._buffer = shuffle_buffer
        self._classes = self._by_class() if balance else None
        self._flip = flip
        self._range = value_range
        self.channels_last = channels_last
        """Whether the channels of a pixel lie together; may be set before the first batch is asked for."""
        self._pin = pin and torch.cuda.is_available()
        self._epoch: tuple[int, Indices] | None = None
        self._touched = 0
        self._lock = threading.Lock()

    def batch(self, number: int) -> Batch:
        """Batch `number` (0, 1, 2, …, without end); the same one every time. May be called by any thread."""
        indices = self.places(self._indices(number))
        height, width, channels = self.store.images.shape[1:]
        images = torch.empty(
            (len(indices), channels, height, width),
            dtype=torch.float32,
            memory_format=torch.channels_last if self.channels_last else torch.contiguous_format,
            pin_memory=self._pin,
        )
        flips = self._random(number, 1).integers(0, 2, len(indices)).astype(np.bool_) if self._flip else None
        if self.store.spec.points:
            images.numpy()[...] = self.store.images[indices].transpose(0, 3, 1, 2)
        else:
            gather(self.store.images, indices, flips, *self._range, images.numpy())
        labels = None if self.store.labels is None else torch.from_numpy(self.store.labels[indices])
        if labels is not None and self._pin:
            labels = labels.pin_memory()
        self._release(len(indices))
        return Batch(images, labels)

    @property
    def remainder(self) -> int:
        """Images in the last batch of an epoch, where that is smaller than the others; else 0."""
        return self.batching.remainder

    @property
    def batches_per_epoch(self) -> int:
        """Batches in a whole epoch."""
        return self.batching.per_epoch

    def images_before(self, number: int) -> int:
        """How many images the batches before batch `number` hold."""
        return self.batching.images_before(number)

    def places(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where in the store the images lie that are learnt from, by their numbers below `images`."""
        return numbers if self._kept is None else self._kept[numbers]

    def stream(self, start: int = 0) -> Generator[Batch, None, None]:
        """Batches from number `start` on, without end, made by a thread that stays two ahead.

        Closing the iterator (or dropping it) ends the thread. What goes wrong in the thread is raised here.
        """
        ready: SimpleQueue[Batch | BaseException] = SimpleQueue()
        room = threading.Semaphore(_AHEAD)
        stop = threading.Event()

        def produce() -> None:
            number = start
            while True:
                room.acquire()
                if stop.is_set():
                    return
                try:
                    ready.put(self.batch(number))
                except BaseException as error:  # whatever it is, it belongs to the consumer
                    ready.put(error)
                    return
                number += 1

        thread = threading.Thread(target=produce, name="zoo-loader", daemon=True)
        thread.start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                room.release()
                yield item
        finally:
            stop.set()
            room.release()
            thread.join()

    def _indices(self, number: int) -> npt.NDArray[np.int64]:
        epoch, first = self.batching.place(number)
        if self._order in ("shuffle", "buffer"):
            return self._permutation(epoch)[first : first + self.batch_size].astype(np.int64)
        if self._order == "slice":
            first = int(self._random(number, 2).integers(0, self.images - self.batch_size + 1))
        return np.arange(first, min(first + self.batch_size, self.images), dtype=np.int64)

    def _permutation(self, epoch: int) -> Indices:
        known = self._epoch
        if known is None or known[0] != epoch:
            size, random = self.images, self._random(epoch, 0)
            if self._classes is not None:
                numbers = balanced(self._classes, size, random)
            elif self._order == "shuffle":
                numbers = shuffled(size, random)
            else:
                numbers = buffered(size, self._buffer, random)
            known = self._epoch = (epoch, numbers)
        return known[1]

    def _by_class(self) -> list[Indices]:
        """The numbers of the images of each class that has any to learn from."""
        if self.store.labels is None or self._order != "shuffle":
            what = "labels, and these images have none" if self.store.labels is None else "order shuffle"
            raise DataError(f"--balance needs {what}; leave it out")
        labels = self.store.labels[self.places(np.arange(self.images, dtype=np.int64))]
        by_label = np.argsort(labels, kind="stable")
        return np.split(by_label, np.flatnonzero(np.diff(labels[by_label])) + 1)

    def _random(self, number: int, purpose: int) -> np.random.Generator:
        """A generator of its own for every (seed, purpose, number), so that nothing depends on what came before."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, number], spawn_key=(purpose,))))

    def _release(self, images: int) -> None:
        """Count what this batch has made resident; past the limit, give the pages back."""
        row = self.store.spec.numel
        scattered = self._order in ("shuffle", "buffer")
        touched = images * (row + _NEIGHBOURS if scattered else row)
        with self._lock:
            self._touched += touched
            if self._touched < _RESIDENT or self.store.images.nbytes <= _RESIDENT:
                return
            self._touched = 0
        self.store.release()


def places_held_out(images: int, hold_out: int, seed: int) -> npt.NDArray[np.int64]:
    """The places of the images that a loader of that seed holds out, of so many, in order."""
    if not hold_out:
        return np.arange(0, dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed % 2**64, spawn_key=(3,))))
    return np.sort(random.permutation(images)[:hold_out]).astype(np.int64)
