"""zoo cache: what is prepared, and removing it; what is outdated goes by itself."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from messages import assert_says
from support import assert_refused

import zoo
from zoo.data.prepared import UNUSED, prepared_stores, remove, remove_outdated
from zoo.evaluate.extractors.random_convolutions import RandomConvolutions
from zoo.evaluate.features import kept_features
from zoo.evaluate.reader import kept_network
from zoo.evaluate.real import RealImages

DAY = 86400


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> Path:
    """A cache of this test's own."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ZOO_CACHE", str(cache))
    return cache


def write(name: str, seed: int = 0) -> str:
    np.save(name, np.random.default_rng(seed).integers(0, 255, (9, 8, 8), dtype=np.uint8))
    return name


def prepared(name: str, size: int = 8) -> zoo.data.ImageStore:
    return zoo.data.prepare(zoo.data.open_source(name), zoo.DataSpec(1, size, size))


def age(store: zoo.data.ImageStore, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(store.directory / "meta.json", (when, when))


def test_stores_are_listed_the_last_used_first(cli, own_cache):
    first, second = prepared(write("a.npy")), prepared(write("b.npy", 1), 4)
    age(first, 5 * DAY)
    outcome = cli("cache")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert_says(lines[1], second.directory.name[:10], str(Path("b.npy").resolve()), "9", "4×4×1")
    assert_says(lines[2], first.directory.name[:10], str(Path("a.npy").resolve()), "8×8×1")
    assert_says(lines[-1], "2 prepared", str(own_cache))
    told = json.loads(cli("cache", "--json").out)
    assert [store["name"] for store in told["stores"]] == [second.directory.name, first.directory.name]
    assert told["stores"][0]["shape"] == [9, 4, 4, 1]
    prepared("a.npy")
    assert prepared_stores()[0].name == first.directory.name, "what is opened is used"


def test_an_empty_cache(cli, own_cache):
    outcome = cli("cache")
    assert outcome.out == f"0 prepared, 0 bytes, in {own_cache / 'prepared'}\n"
    assert cli("cache", "clear", "--all").out == "0 removed, 0 bytes\n"


def test_stores_are_removed_by_name_by_data_by_age_and_all(cli):
    stores = [prepared(write(f"{name}.npy", place)) for place, name in enumerate("abcd")]
    names = [store.directory.name for store in stores]
    age(stores[2], 3 * DAY)
    assert cli("cache", "clear", names[0][:12]).out.startswith("1 removed")
    assert cli("cache", "clear", "b.npy").out.startswith("1 removed")
    assert cli("cache", "clear", "--older-than", 4).out.startswith("0 removed")
    assert cli("cache", "clear", "--older-than", 2).out.startswith("1 removed")
    assert [store.name for store in prepared_stores()] == names[3:]
    assert cli("cache", "clear", "--all").out.startswith("1 removed")
    assert prepared_stores() == []
    assert stores[3].images.any(), "what is mapped is still there"
    np.testing.assert_array_equal(prepared("d.npy").images, stores[3].images)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["clear"], ["takes names", "--older-than DAYS", "--all"]),
        (["clear", "--all", "--older-than", 1], ["give one of the three"]),
        (["clear", "zzz"], ["'zzz'", "no such name", "zoo cache"]),
        (["clear", ""], ["no such name"]),
        (["clear", "--older-than", -1], ["--older-than -1", "0 or more"]),
        (["clear", "--older-than", "nan"], ["--older-than nan"]),
        (["--all"], ["zoo cache clear"]),
        (["list", "abc"], ["zoo cache clear"]),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(cli, words, parts):
    store = prepared(write("a.npy"))
    assert_refused(cli("cache", *words), *parts)
    assert store.directory.is_dir()


def test_letters_that_several_names_begin_with_are_too_few(cli, own_cache):
    for name in ("abc1", "abc2"):
        (own_cache / "prepared" / name).mkdir(parents=True)
    assert_refused(cli("cache", "clear", "abc"), "2 names begin so", "more letters")


def test_damaged_stores_and_those_from_before_are_listed_and_removed(cli, own_cache):
    old = prepared(write("a.npy"))
    meta = json.loads((old.directory / "meta.json").read_text())
    del meta["source"], meta["fit"]
    (old.directory / "meta.json").write_text(json.dumps(meta))
    (own_cache / "prepared" / "broken").mkdir()
    outcome = cli("cache")
    assert outcome.code == 0
    assert_says(outcome.out, "a.npy", "damaged", "2 prepared")
    np.testing.assert_array_equal(prepared("a.npy").images, old.images)
    assert cli("cache", "clear", "--all").out.startswith("2 removed")


def measured(name: str) -> tuple[Path, Path]:
    """The features of some real images, and a classifier, as they are kept."""
    source = zoo.data.open_source(write(name))
    real = RealImages(source, zoo.DataSpec(1, 8, 8), "crop", 0)
    kept_features(RandomConvolutions(), real)
    kept_network("some", torch.zeros(100, 1, 8, 8), torch.zeros(100).long(), 3, passes=1)
    cache = Path(os.environ["ZOO_CACHE"])
    return next(cache.glob("features/*")), next(cache.glob("readers/*"))


def test_what_measuring_keeps_is_listed_with_its_size(cli, own_cache):
    features, classifier = measured("a.npy")
    (own_cache / "features" / ".x.1.part.safetensors").touch()
    (own_cache / "features" / "broken.safetensors").write_bytes(b"damaged")
    outcome = cli("cache")
    assert (outcome.code, outcome.err) == (0, "")
    assert_says(outcome.out, features.stem[:10], "features of random", str(Path("a.npy").resolve()), "9", "1 prepared")
    assert_says(outcome.out, classifier.stem[:10], "classifier", "3 of measuring", str(own_cache / "features"))
    kept = {file["name"]: file for file in json.loads(cli("cache", "--json").out)["kept"]}
    assert set(kept) == {features.stem, classifier.stem, "broken"}
    assert (kept[features.stem]["kind"], kept[features.stem]["shape"][0]) == ("features", 9)
    assert kept[classifier.stem]["bytes"] == classifier.stat().st_size
    assert (kept["broken"]["shape"], kept["broken"]["data"]) == (None, None)


def test_what_measuring_keeps_is_removed_by_name_by_data_by_age_and_all(cli):
    features, classifier = measured("a.npy")
    assert cli("cache", "clear", "a.npy").out.startswith("2 removed"), "the prepared images, and their features"
    assert not features.exists()
    assert cli("cache", "clear", classifier.stem[:9]).out.startswith("1 removed")
    assert not classifier.exists()
    features, classifier = measured("a.npy")
    for place in (features, classifier):
        when = time.time() - 3 * DAY
        os.utime(place, (when, when))
    assert cli("cache", "clear", "--older-than", 2).out.startswith("2 removed")
    measured("a.npy")
    assert cli("cache", "clear", "--all").out.startswith("3 removed")
    assert cli("cache").out.count("\n") == 1


# ---- what has changed


def test_what_was_prepared_before_an_edit_goes_when_it_is_not_used_any_more(caplog):
    first = prepared(write("a.npy", 1))
    other_size, other_file = prepared("a.npy", 4), prepared(write("b.npy", 2))
    for store in (first, other_size, other_file):
        age(store, UNUSED + 60)
    caplog.set_level("INFO", "zoo")
    second = prepared(write("a.npy", 3))
    assert not first.directory.exists()
    assert first.images.any(), "whoever has it open reads on"
    assert all(store.directory.exists() for store in (second, other_size, other_file))
    assert_says(caplog.text, str(Path("a.npy").resolve()), "has changed", "is removed")


def test_what_was_used_within_a_day_stays():
    first = prepared(write("a.npy", 1))
    prepared(write("a.npy", 2))
    assert first.directory.exists()


def test_what_has_no_place_is_never_outdated():
    class Moving(zoo.DataSource):
        """Other images at every look."""

        name, summary, title = "moving", "…", "moving"
        channels, height, width = 1, 8, 8
        looks = 0

        @classmethod
        def accepts(cls, location):
            return location == ""

        def __init__(self, location):
            type(self).looks += 1

        def __len__(self):
            return 1

        def fingerprint(self):
            return f"moving-{self.looks}"

        def chunks(self):
            return [0]

        def decode(self, item, spec):
            yield zoo.Images(np.zeros((1, 8, 8, 1), np.uint8))

    first = zoo.data.prepare(zoo.data.open_source("moving", [Moving]), zoo.DataSpec(1, 8, 8))
    age(first, UNUSED + 60)
    second = zoo.data.prepare(zoo.data.open_source("moving", [Moving]), zoo.DataSpec(1, 8, 8))
    assert first.directory.exists()
    assert second.directory != first.directory


def test_a_store_that_is_gone_meanwhile_is_no_error():
    store = prepared(write("a.npy"))
    found = prepared_stores()
    assert remove(found) == found
    assert remove(found) == found
    remove_outdated(store.directory)
