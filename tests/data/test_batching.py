"""How data is cut into batches: each image of an epoch once, also where the size of the batches changes in its midst."""

from __future__ import annotations

from fractions import Fraction

import pytest

from zoo.data.batching import Batching, Position


def ranges(batching: Batching, numbers: range) -> list[tuple[int, int, int]]:
    """Epoch, first image and one behind the last of each batch."""
    cut = []
    for number in numbers:
        epoch, first = batching.place(number)
        cut.append((epoch, first, min(first + batching.size, batching.images)))
    return cut


def test_each_epoch_is_cut_from_its_first_image_on():
    assert ranges(Batching.of(20, 8), range(3)) == [(0, 0, 8), (0, 8, 16), (1, 0, 8)]
    assert ranges(Batching.of(20, 8, drop_remainder=False), range(4)) == [(0, 0, 8), (0, 8, 16), (0, 16, 20), (1, 0, 8)]


@pytest.mark.parametrize("drop", [True, False])
@pytest.mark.parametrize(("before", "size"), [(4, 6), (4, 3), (6, 4), (3, 7), (7, 20), (20, 7)])
@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 8])
def test_another_size_goes_on_with_the_first_image_that_was_not_seen_in_whole_batches(before, size, number, drop):
    old = Batching.of(20, before, drop)
    now = Batching.of(20, size, drop).beginning(old.position(number, step=9))
    seen = [image for _, first, end in ranges(old, range(number)) for image in range(first, end)]
    assert now.begins.images == len(seen) == now.images_before(number)
    epoch, first = old.place(number)
    assert (now.begins.step, now.begins.drawn, now.begins.epoch, now.begins.seen) == (9, number, epoch, first)
    later = ranges(now, range(number, number + 30))
    if first:
        rest = [(a, b) for which, a, b in later if which == epoch]
        assert rest == [(a, a + size) for a in range(first, 20 - size + 1, size)]
    whole = Batching.of(20, size, drop)
    following = [each for each in later if not first or each[0] > epoch]
    assert [(a, b) for _, a, b in following] == [(a, b) for _, a, b in ranges(whole, range(len(following)))]
    epochs = [which for which, _, _ in later]
    assert epochs == sorted(epochs)
    counted = now.begins.images
    for place, (_, a, b) in enumerate(later):
        assert now.images_before(number + place) == counted
        counted += b - a


def test_it_may_change_several_times_within_an_epoch():
    one = Batching.of(20, 4)
    two = Batching.of(20, 3).beginning(one.position(2, 2))
    three = Batching.of(20, 5).beginning(two.position(3, 3))
    assert three.begins == Position(step=3, drawn=3, images=11, epoch=0, seen=11)
    assert ranges(three, range(3, 6)) == [(0, 11, 16), (1, 0, 5), (1, 5, 10)]


def test_epochs_are_counted_across_the_change():
    now = Batching.of(20, 5).beginning(Batching.of(20, 8).position(1, 1))  # 8 seen, two whole batches of 5 left
    assert [now.epochs_after(Fraction(more)) for more in (2, 4, 6)] == [1, Fraction(3, 2), 2]
    assert [now.batches_until(Fraction(epochs)) for epochs in (1, 2)] == [2, 6]
    plain = Batching.of(20, 5)
    assert plain.epochs_after(Fraction(3)) == Fraction(3, 4)
    assert plain.batches_until(Fraction(3, 4)) == 3
