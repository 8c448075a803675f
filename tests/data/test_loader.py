"""Batches: the same ones for the same seed and number, in the promised order, layout and range."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
import torch
from messages import saying

from zoo.data import DataSpec, Loader, open_source, prepare
from zoo.data.order import buffered
from zoo.errors import DataError


@pytest.fixture
def store(write_idx):
    """Twenty images whose pixels all have the value of their position."""
    images = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None], (20, 6, 5))
    return prepare(open_source(str(write_idx(images, labels=np.arange(20)))), DataSpec(1, 6, 5))


def members(batch) -> list[int]:
    return batch.labels.tolist()


def test_batches_have_the_promised_types_and_shapes(store):
    batch = Loader(store, 4).batch(0)
    assert (batch.images.shape, batch.images.dtype) == ((4, 1, 6, 5), torch.float32)
    assert (batch.labels.shape, batch.labels.dtype) == ((4,), torch.int64)


def test_images_belong_to_their_labels(store):
    batch = Loader(store, 4, value_range=(0, 255)).batch(1)
    torch.testing.assert_close(batch.images[:, 0, 0, 0].long(), batch.labels)


def test_unlabelled_data_has_no_labels(write_idx):
    store = prepare(open_source(str(write_idx())), DataSpec(1, 6, 5))
    assert Loader(store, 4).batch(0).labels is None


@pytest.mark.parametrize("drop_remainder", [True, False])
@pytest.mark.parametrize("order", ["shuffle", "buffer", "sequential", "slice"])
def test_a_batch_depends_only_on_seed_and_number(store, order, drop_remainder):
    common = dict(seed=5, order=order, shuffle_buffer=4, drop_remainder=drop_remainder, flip=True)
    loader = Loader(store, 3, **common)
    forwards = [loader.batch(number) for number in range(15)]
    again = Loader(store, 3, **common)
    for number in reversed(range(15)):
        batch = again.batch(number)
        assert torch.equal(batch.images, forwards[number].images)
        assert torch.equal(batch.labels, forwards[number].labels)


def test_every_image_appears_at_most_once_per_epoch_and_epochs_differ(store):
    loader = Loader(store, 6)
    assert loader.batches_per_epoch == 3
    epochs = [[member for n in range(3) for member in members(loader.batch(3 * e + n))] for e in range(4)]
    assert all(len(set(epoch)) == 18 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_another_seed_is_another_order(store):
    assert members(Loader(store, 20, seed=1).batch(0)) != members(Loader(store, 20, seed=2).batch(0))


def test_any_integer_is_a_seed(store):
    assert members(Loader(store, 20, seed=-1).batch(0)) != members(Loader(store, 20, seed=2**80).batch(0))


def test_sequential_is_the_order_of_the_files_without_the_remainder(store):
    loader = Loader(store, 8, order="sequential")
    assert [members(loader.batch(n))[0] for n in range(4)] == [0, 8, 0, 8]


# ---- the shuffle buffer


def test_buffered_epochs_hold_every_image_once_and_differ(store):
    loader = Loader(store, 5, order="buffer", shuffle_buffer=6)
    epochs = [[member for n in range(4) for member in members(loader.batch(4 * e + n))] for e in range(4)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_buffer_of_one_image_is_the_order_of_the_files(store):
    assert members(Loader(store, 20, order="buffer", shuffle_buffer=1).batch(0)) == list(range(20))


def test_a_buffer_larger_than_the_data_can_put_any_image_first(store):
    firsts = {members(Loader(store, 20, order="buffer", shuffle_buffer=10**9, seed=s).batch(0))[0] for s in range(300)}
    assert firsts == set(range(20))


def by_hand(size: int, buffer: int, random: np.random.Generator) -> list[int]:
    """tf.data's shuffle as it is described: a buffer, drawn from at random, refilled with the next one."""
    held = list(range(min(buffer, size)))
    places = random.integers(0, len(held), size - len(held), dtype=np.int32)
    order = []
    for coming, place in enumerate(places, len(held)):
        order.append(held[place])
        held[place] = coming
    rest = np.array(held, dtype=np.int32)
    random.shuffle(rest)
    return [*order, *rest.tolist()]


@pytest.mark.parametrize("size", [1, 2, 5, 20, 1000])
@pytest.mark.parametrize("buffer", [1, 2, 3, 7, 999, 1000, 5000])
def test_the_buffers_order_is_that_of_a_buffer_moved_by_hand(size, buffer):
    for seed in range(3):
        found = buffered(size, buffer, np.random.default_rng(seed)).tolist()
        assert found == by_hand(size, buffer, np.random.default_rng(seed))
        assert all(place >= number - buffer + 1 for place, number in enumerate(found)), "none comes before it is read"


# ---- the remainder


@pytest.mark.parametrize("order", ["shuffle", "buffer", "sequential"])
def test_the_remainder_is_a_smaller_batch_and_belongs_to_its_epoch(store, order):
    loader = Loader(store, 8, order=order, shuffle_buffer=5, drop_remainder=False, flip=True)
    assert (loader.batches_per_epoch, loader.remainder) == (3, 4)
    batches = [loader.batch(number) for number in range(6)]
    assert [tuple(batch.images.shape) for batch in batches] == [(8, 1, 6, 5), (8, 1, 6, 5), (4, 1, 6, 5)] * 2
    for epoch in (batches[:3], batches[3:]):
        assert sorted(label for batch in epoch for label in members(batch)) == list(range(20))
    assert [loader.images_before(number) for number in range(8)] == [0, 8, 16, 20, 28, 36, 40, 48]


def test_without_a_remainder_nothing_changes(store):
    whole, kept = Loader(store, 5), Loader(store, 5, drop_remainder=False)
    assert (kept.batches_per_epoch, kept.remainder) == (4, 0)
    assert [members(whole.batch(n)) for n in range(8)] == [members(kept.batch(n)) for n in range(8)]
    assert [kept.images_before(number) for number in (0, 4, 9)] == [0, 20, 45]


def test_the_images_that_do_not_fill_a_batch_do_not_count_where_they_are_left_out(store):
    loader = Loader(store, 8)
    assert (loader.batches_per_epoch, loader.remainder) == (2, 0)
    assert [loader.images_before(number) for number in (0, 2, 5)] == [0, 16, 40]


def test_a_remainder_of_one_image_is_a_batch_too(store):
    batch = Loader(store, 19, order="sequential", drop_remainder=False, channels_last=True, flip=True).batch(1)
    assert batch.images.shape == (1, 1, 6, 5)
    assert members(batch) == [19]


def test_slices_are_neighbours_at_random_starts(store):
    loader = Loader(store, 8, order="slice")
    starts = set()
    for number in range(100):
        first, *rest = members(loader.batch(number))
        assert rest == list(range(first + 1, first + 8))
        starts.add(first)
    assert starts == set(range(13))


def test_half_of_the_images_are_mirrored(digits_like, write_idx):
    store = prepare(open_source(str(write_idx())), DataSpec(1, 6, 5))
    plain = Loader(store, 20, order="sequential")
    flipped = Loader(store, 20, order="sequential", flip=True)
    mirrored = 0
    for number in range(20):
        for a, b in zip(plain.batch(number).images, flipped.batch(number).images, strict=True):
            assert torch.equal(a, b) or torch.equal(a.flip(-1), b)
            mirrored += int(not torch.equal(a, b))
    assert 150 < mirrored < 250


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_memory_layout_is_the_one_asked_for_and_the_values_are_the_same(channels_last):
    store = prepare(open_source("digits"), DataSpec(3, 28, 28))
    batch = Loader(store, 4, channels_last=channels_last).batch(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert batch.images.is_contiguous(memory_format=layout)
    assert torch.equal(batch.images, Loader(store, 4).batch(0).images)


def test_values_span_the_range(store):
    images = prepare(open_source("digits"), DataSpec(1, 28, 28))
    batch = Loader(images, 64, value_range=(-1, 1)).batch(0)
    assert (batch.images.min(), batch.images.max()) == (-1, 1)
    batch = Loader(images, 64, value_range=(0, 1)).batch(0)
    assert (batch.images.min(), batch.images.max()) == (0, 1)


def test_pinning_without_a_gpu_is_harmless(store):
    if not torch.cuda.is_available():
        assert not Loader(store, 4, pin=True).batch(0).images.is_pinned()


@pytest.mark.parametrize("start", [0, 7])
def test_a_stream_is_the_batches_from_its_start(store, start):
    loader = Loader(store, 6, flip=True)
    stream = loader.stream(start)
    for number, batch in zip(range(start, start + 9), stream, strict=False):
        assert torch.equal(batch.images, loader.batch(number).images)
    stream.close()


def loader_threads() -> int:
    return sum(thread.name == "zoo-loader" for thread in threading.enumerate())


def test_closing_or_dropping_a_stream_ends_its_thread(store):
    stream = Loader(store, 4).stream(0)
    next(stream)
    assert loader_threads() == 1
    stream.close()
    assert loader_threads() == 0
    stream = Loader(store, 4).stream(0)
    next(stream)
    del stream
    assert loader_threads() == 0


def test_a_stream_stays_two_batches_ahead_and_no_more(store, monkeypatch):
    loader = Loader(store, 4)
    made = []
    two = threading.Event()
    batch = loader.batch

    def counted(number):
        made.append(number)
        if number == 2:
            two.set()
        return batch(number)

    monkeypatch.setattr(loader, "batch", counted)
    stream = loader.stream(0)
    next(stream)
    assert two.wait(10)
    stream.close()
    assert made == [0, 1, 2]


def test_an_error_in_the_thread_is_raised_in_the_consumer(store, monkeypatch):
    loader = Loader(store, 4)

    def broken(number):
        if number == 2:
            raise MemoryError("no more")
        return Loader.batch(loader, number)

    monkeypatch.setattr(loader, "batch", broken)
    with pytest.raises(MemoryError, match="no more"):
        list(itertools.islice(loader.stream(0), 5))
    assert loader_threads() == 0


def test_a_batch_size_that_does_not_fit_says_what_does(store):
    with pytest.raises(DataError, match=saying("--batch-size 256", "20 images", "at most 20")):
        Loader(store, 256)
    with pytest.raises(DataError, match="at least 1"):
        Loader(store, 0)
    with pytest.raises(DataError, match=saying("--shuffle-buffer 0", "at least 1")):
        Loader(store, 4, order="buffer", shuffle_buffer=0)
    with pytest.raises(DataError, match="unknown order"):
        Loader(store, 4, order="backwards")
