"""--balance: classes are drawn equally often whatever their sizes, and a run goes on with the very same batches."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from support import Stop, assert_refused, assert_same_checkpoint, checkpoint, tiny

import zoo
from zoo.data.loader import Loader
from zoo.data.order import balanced
from zoo.data.registry import open_source
from zoo.data.store import prepare
from zoo.errors import DataError, OptionError

SIZES = (60, 9, 3)


def write(path: Path, sizes: tuple[int, ...] = SIZES) -> Path:
    """Images that tell which they are by their first pixel, of classes of these sizes."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    images = np.zeros((len(labels), 8, 8), np.uint8)
    images[:, 0, 0], images[:, 1, 1] = np.arange(len(labels)), 200
    np.savez(path, images=images, labels=labels)
    return path


def loader(path: Path, batch_size: int = 12, **more) -> Loader:
    source = open_source(str(path))
    return Loader(prepare(source, zoo.DataSpec(1, 8, 8, source.classes)), batch_size, balance=True, **more)


@pytest.mark.parametrize("batch_size", [2, 3, 7, 12])
def test_each_batch_has_as_many_of_one_class_as_of_another_give_or_take_one(batch_size, tmp_path):
    batches = loader(write(tmp_path / "uneven.npz"), batch_size, seed=4)
    for number in range(3 * batches.batches_per_epoch):
        counts = np.bincount(batches.batch(number).labels.numpy(), minlength=3)
        assert counts.max() - counts.min() <= 1


def test_every_image_of_a_small_class_comes_before_one_comes_again_and_all_of_a_large_one_in_time(tmp_path):
    batches = loader(write(tmp_path / "uneven.npz"), seed=1)
    drawn = [batches.batch(number) for number in range(12 * batches.batches_per_epoch)]
    first = torch.cat([((batch.images[:, 0, 0, 0] + 1) * 127.5).round() for batch in drawn]).int().numpy()
    labels = torch.cat([batch.labels for batch in drawn]).numpy()
    small = first[labels == 2][:24]
    assert [sorted(set(part)) for part in small.reshape(-1, 3)] == [[69, 70, 71]] * 8
    assert set(first) == set(range(72))


def test_a_batch_depends_on_the_seed_and_its_number_alone(tmp_path):
    path = write(tmp_path / "uneven.npz")
    one, other = loader(path, seed=7), loader(path, seed=7)
    ahead = [one.batch(number) for number in range(9)]
    assert torch.equal(other.batch(8).images, ahead[8].images)
    assert not torch.equal(loader(path, seed=8).batch(8).images, ahead[8].images)


def test_what_is_held_out_is_never_drawn_and_a_class_without_any_left_is_left_out(tmp_path):
    batches = loader(write(tmp_path / "uneven.npz", (20, 2, 1)), 6, hold_out=15)
    held = set(batches.held_out.tolist())
    values = torch.cat([batches.batch(number).images[:, 0, 0, 0] for number in range(9)])
    assert held.isdisjoint(((values + 1) * 127.5).round().int().tolist())


def test_the_order_takes_classes_in_turn():
    found = balanced([np.arange(5), np.array([9])], 7, np.random.default_rng(0))
    where = found == 9
    assert where[::2].all() or where[1::2].all()
    assert sorted(found[~where]) == sorted(set(found[~where]))


def test_balance_is_refused_without_labels_and_in_another_order(tmp_path, cli):
    np.savez(tmp_path / "bare.npz", images=np.zeros((20, 8, 8), np.uint8))
    assert_refused(
        cli("train", "dcgan", "--data", "bare.npz", "--balance"), "--balance", "bare.npz has no labels", "leave it out"
    )
    assert_refused(cli("train", "cgan", "--balance", "--order", "buffer"), "give --order shuffle, or --no-balance")
    with pytest.raises(OptionError, match="no labels"):
        zoo.train("./bare.npz", balance=True)
    source = open_source("bare.npz")
    with pytest.raises(DataError, match="these images have none"):
        Loader(prepare(source, zoo.DataSpec(1, 8, 8)), 4, balance=True)
    with pytest.raises(DataError, match="order shuffle"):
        loader(write(tmp_path / "uneven.npz"), order="slice")


def test_a_run_that_is_stopped_goes_on_with_the_same_batches_and_cannot_change_it(tmp_path):
    data = write(tmp_path / "uneven.npz")
    small = dict(tiny("cgan", steps=12, checkpoint_every=12), data=str(data), balance=True, device="cpu")
    whole = zoo.train("cgan", out="whole", **small)
    with suppress(KeyboardInterrupt):
        zoo.train("cgan", out="parts", callbacks=[Stop(5)], **small)
    parts = zoo.resume("parts")
    assert_same_checkpoint(checkpoint(whole.path, 12), checkpoint(parts.path, 12))
    with pytest.raises(OptionError, match="--balance cannot change"):
        zoo.resume("parts", steps=14, balance=False)
