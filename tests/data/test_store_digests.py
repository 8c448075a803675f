"""Prepared data that is not what was prepared is noticed before it is measured, and before what was learnt from it is kept."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from data_files import Numbers
from support import Notes, assert_refused, flip, tiny, write_images

import zoo
from zoo.data import DataSpec, ImageStore, open_source, prepare
from zoo.data import store as store_module
from zoo.engine.data_check import DataCheck
from zoo.errors import DataError

SPEC = DataSpec(1, 4, 4)


def without_digests(store: Path) -> None:
    """Makes a store one from before there were digests."""
    meta = json.loads((store / "meta.json").read_text())
    meta = {name: value for name, value in meta.items() if name not in ("sha256", "digests")}
    (store / "meta.json").write_text(json.dumps(meta))


@pytest.fixture
def own_cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "own"))
    return tmp_path / "own" / "prepared"


@pytest.mark.parametrize("file", ["images.u8", "labels.i64"])
def test_one_bit_of_any_file_is_found(own_cache, tmp_path, file):
    store = prepare(open_source(str(write_images(tmp_path / "mine.npz"))), SPEC)
    assert (store.damage(), store.has_digests) == ("", True)
    flip(store.directory / file)
    assert store.damage() == f"{file} is not what was written, its checksum (SHA-256) does not match"
    assert store.damage(lambda: True) == "", "nobody waits for it"


def test_points_have_digests_too(own_cache):
    store = prepare(open_source("ring"), DataSpec(1, 1, 2, points=True))
    assert store.damage() == ""
    flip(store.directory / "points.f32")
    assert store.damage().startswith("points.f32 is not")


def test_a_description_with_another_bit_is_no_store(own_cache):
    store = prepare(Numbers(), SPEC)
    text = (store.directory / "meta.json").read_text()
    (store.directory / "meta.json").write_text(text.replace('"fit": "crop"', '"fit": "crow"'))
    with pytest.raises(DataError, match=r"damaged \(meta.json is not what was written\)"):
        ImageStore(store.directory)


def test_stores_without_digests_are_read_on(own_cache):
    directory = prepare(Numbers(), SPEC).directory
    without_digests(directory)
    flip(directory / "images.u8")
    store = ImageStore(directory)
    assert (store.damage(), store.has_digests) == ("", False)


def test_what_is_damaged_is_prepared_anew_for_who_measures(own_cache, caplog):
    whole = np.array(prepare(Numbers(), SPEC).images)
    (directory,) = own_cache.iterdir()
    flip(directory / "images.u8")
    with caplog.at_level(logging.WARNING):
        again = prepare(Numbers(), SPEC)
    np.testing.assert_array_equal(again.images, whole)
    assert again.damage() == ""
    assert "is damaged (images.u8 is not what was written" in caplog.text
    assert "prepared anew" in caplog.text


def test_a_training_on_damaged_data_keeps_nothing_and_says_what_to_do(cli, own_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "SMALL", 0)
    data = write_images(tmp_path / "mine.npz")
    options = tiny("dcgan", checkpoint_every=2)
    zoo.train("dcgan", data=str(data), out="whole", **options)
    (store,) = own_cache.iterdir()
    flip(store / "images.u8")
    with pytest.raises(DataError, match=r"is damaged \(images.u8 .*; it is removed; zoo resume run prepares it anew"):
        zoo.train("dcgan", data=str(data), out="run", **options)
    assert zoo.Run("run").checkpoints == []
    assert not store.exists()
    assert zoo.resume("run").checkpoints[-1][0] == 4
    assert (store / "images.u8").exists(), "it is prepared anew"


def test_a_run_that_goes_on_with_damaged_data_keeps_what_it_has(cli, own_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "SMALL", 0)
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    (store,) = own_cache.iterdir()
    flip(store / "labels.i64")
    outcome = cli("resume", "run", "--steps", 6)
    assert_refused(outcome, "labels.i64", "it is removed", "zoo resume run prepares it anew and goes on from step 4")
    assert [step for step, _ in zoo.Run("run").checkpoints] == [4]
    assert cli("resume", "run").code == 0
    assert zoo.Run("run").latest()[0] == 6


def test_a_training_on_data_without_digests_goes_on(own_cache, tmp_path):
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="one", **tiny("dcgan"))
    (store,) = own_cache.iterdir()
    without_digests(store)
    notes: list[str] = []
    zoo.train("dcgan", data=str(data), out="two", callbacks=[Notes(notes)], **tiny("dcgan"))
    assert not any("damaged" in note for note in notes)


def test_data_that_is_removed_while_it_is_in_use_is_no_damage(own_cache, tmp_path):
    run = zoo.train("dcgan", data=str(write_images(tmp_path / "mine.npz")), out="run", **tiny("dcgan"))
    store = ImageStore(next(own_cache.iterdir()))
    assert store.discard()
    check = DataCheck(store, run)
    check.begin()
    check.finish()
    check.close()


def test_data_that_is_small_is_compared_before_the_first_step(cli, own_cache, tmp_path):
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    (store,) = own_cache.iterdir()
    flip(store / "images.u8")
    outcome = cli("resume", "run", "--steps", 6)
    assert outcome.code == 0
    assert "images.u8 is not what was written" in outcome.out + outcome.err
    assert ImageStore(store).damage() == ""
