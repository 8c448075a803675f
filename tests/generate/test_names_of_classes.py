"""A class has a name and an index: every place uses the same one for the same thing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from messages import saying
from support import assert_refused, tiny

import zoo
from zoo.cli.drawing import split_classes
from zoo.errors import DataError, OptionError
from zoo.generate.classes import Classes
from zoo.system.names import as_file_name

TWELVE = [str(number) for number in range(1, 13)]


def archive(path: str, labels, names=None, count: int = 24) -> Path:
    images = np.random.default_rng(0).integers(0, 255, (count, 8, 8), dtype=np.uint8)
    more = {} if names is None else {"class_names": np.array(names)}
    np.savez(path, images=images, labels=np.resize(labels, count), **more)
    return Path(path)


@pytest.fixture
def twelve() -> Path:
    """A run on classes that are called 1 to 12."""
    archive("twelve.npz", np.arange(1, 13))
    return zoo.train("cgan", data="twelve.npz", out="twelve", **tiny("cgan", steps=1)).path


# ---- what is meant


@pytest.mark.parametrize(
    ("names", "given", "index"),
    [
        (["cat", "dog"], "dog", 1),
        (["cat", "dog"], "0", 0),
        (["cat", "dog"], 1, 1),
        (TWELVE, "12", 11),
        (TWELVE, "1", 0),
        (TWELVE, 1, 1),
        (["0", "1", "2"], "2", 2),
        (["0", "1", "2"], "02", 2),
        (["7", "cat"], "7", 0),
        (["7", "cat"], "cat", 1),
    ],
    ids=str,
)
def test_text_is_a_name_or_else_an_index_and_a_number_is_an_index(names, given, index):
    assert Classes(names, "cgan").indices([given]).tolist() == [index]


@pytest.mark.parametrize(
    ("names", "given", "parts"),
    [
        (TWELVE, "0", ["no class is called '0'", "a number is a name and no index", "1, 2, 3"]),
        (TWELVE, "13", ["no class is called '13'"]),
        (["7", "cat"], "1", ["no class is called '1'", "7, cat"]),
        (["cat", "dog"], "2", ["label 2 is not one of the 2 classes"]),
        (["cat", "dog"], "dot", ["unknown class 'dot'", "did you mean 'dog'"]),
        (["cat", "dog"], "-1", ["unknown class '-1'"]),
        (["cat", "dog"], "9" * 5000, ["unknown class"]),
        (TWELVE, 12, ["label 12 is not one of the 12 classes, 0 to 11"]),
    ],
)
def test_what_means_nothing_or_either_is_refused(names, given, parts):
    with pytest.raises(OptionError, match=saying(*parts)):
        Classes(names, "cgan").indices([given])


def test_names_may_have_commas():
    assert split_classes("a,b, c,d", ["a,b", "c", "d"]) == ["a,b", "c", "d"]
    assert split_classes("3, 3,4", ["cat"]) == ["3", "3", "4"]
    assert split_classes(None, ["cat"]) is None


# ---- where they are shown


def test_a_class_is_drawn_and_named_alike(cli, twelve):
    assert cli("sample", twelve, "--class", "12", "--seeds", "4", "--out", "x").code == 0
    assert os.listdir("x") == ["0000-seed-4-class-12.png"]
    generator = zoo.load(twelve)
    assert generator.class_names == TWELVE
    assert torch.equal(generator(seeds=[4], labels=["12"]), generator(seeds=[4], labels=[11]))
    assert cli("sample", twelve, "--seeds", "10", "--out", "y").code == 0
    assert os.listdir("y") == ["0000-seed-10-class-11.png"]
    assert generator.sample(seeds=[10]).captions() == ["10 (11)"]
    assert_refused(cli("sample", twelve, "--class", "0"), "no class is called '0'", "1, 2, 3")
    assert_refused(cli("interpolate", twelve, "--seeds", "1,2", "--class", "0"), "no class is called '0'")
    assert_refused(cli("arithmetic", twelve, "1 + 2", "--class", "0"), "no class is called '0'")


def test_captions_say_the_name_in_letters_that_can_be_drawn(conditional):
    from dataclasses import replace

    drawn = replace(conditional.sample(seeds=[3, 4, 5]), class_names=["café", "猫", "Ⅻ"])
    assert drawn.captions() == ["3 (cafe)", "4 (#1)", "5 (XII)"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat", "cat"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("what? *", "what%3F %2A"),
        ("50%", "50%25"),
        (" x ", "%20x%20"),
        ("é猫", "é猫"),
    ],
)
def test_names_of_files_hold_what_file_systems_take(name, safe, tmp_path):
    assert as_file_name(name) == safe
    (tmp_path / safe).touch()


def test_names_that_are_too_long_or_empty_stay_apart():
    long = [as_file_name("猫" * 300 + last) for last in "ab"]
    assert long[0] != long[1]
    assert all(len(os.fsencode(name)) <= 120 for name in long)
    assert as_file_name("")


# ---- there and back


def test_samples_as_data_keep_names_and_indices(cli, twelve):
    assert cli("sample", twelve, "--labels", "12,2", "--n", 16, "--out", "x.npz").code == 0
    with np.load("x.npz") as held:
        assert held["labels"].tolist() == [11, 1] * 8
        assert held["class_names"].tolist() == TWELVE
    source = zoo.data.open_source("x.npz")
    assert source.class_names == TWELVE, "those without a picture too"
    again = zoo.train("cgan", data="x.npz", out="again", **tiny("cgan", steps=1))
    assert zoo.load(again).class_names == TWELVE
    assert cli("data", "export", "x.npz", "--out", "y.npz").code == 0
    with np.load("x.npz") as before, np.load("y.npz") as after:
        for name in ("images", "labels", "class_names"):
            np.testing.assert_array_equal(before[name], after[name])


@pytest.mark.parametrize(
    ("labels", "names", "found", "indices"),
    [
        (["12", "2", "1"], None, ["1", "2", "12"], [2, 1, 0]),
        (["x10", "x9"], None, ["x9", "x10"], [1, 0]),
        ([2, 0], ["c", "a", "b"], ["c", "a", "b"], [2, 0]),
        (["a", "b"], ["c", "b", "a"], ["c", "b", "a"], [2, 1]),
        ([5, 3], None, ["3", "5"], [1, 0]),
    ],
    ids=str,
)
def test_labels_of_an_archive(labels, names, found, indices):
    archive("x.npz", labels, names, count=6)
    source = zoo.data.open_source("x.npz")
    assert source.class_names == found
    store = zoo.data.prepare(source, zoo.DataSpec(1, 8, 8))
    assert store.labels.tolist() == list(np.resize(indices, 6))
    assert store.class_names == found


@pytest.mark.parametrize(
    ("labels", "names", "parts"),
    [
        ([0, 3], ["a", "b", "c"], ["numbers from 0 to 3", "3 names", "0 to 2"]),
        ([-1, 0], ["a", "b"], ["numbers from -1"]),
        (["a", "x"], ["a", "b"], ["'x' is not in", "2 classes"]),
        ([0, 1], ["a", "a"], ["names the class 'a' twice"]),
        ([0, 1], [["a", "b"]], ["one name for each class"]),
        ([0, 1], [0.5, 1.5], ["float64", "expected text"]),
    ],
    ids=str,
)
def test_names_that_do_not_fit_the_labels(labels, names, parts):
    archive("x.npz", labels, names)
    with pytest.raises(DataError, match=saying(*parts)):
        zoo.data.open_source("x.npz")


# ---- an order that has changed


def test_a_run_keeps_the_order_in_which_it_learned(cli, monkeypatch):
    """The same data in another order of classes, as a version of zoo before had it."""
    archive("x.npz", ["c10", "c9", "c8"])
    words = dict(data="x.npz", **tiny("cgan", steps=4))
    with monkeypatch.context() as patch:
        patch.setattr("zoo.data.formats.arrays.ordered", sorted)
        zoo.train("cgan", out="old", **words | {"steps": 2})
        whole = zoo.train("cgan", out="whole", **words)
        assert whole.geometry()[1] == ["c10", "c8", "c9"]
    assert zoo.data.open_source("x.npz").class_names == ["c8", "c9", "c10"]
    outcome = cli("resume", "old", "--steps", 4)
    assert outcome.code == 0, outcome
    assert "keeps the order in which it learned the classes, c10, c8, c9" in outcome.out
    old = zoo.Run("old")
    assert old.geometry()[1] == ["c10", "c8", "c9"]
    assert [line["d_loss"] for line in old.metrics()] == [line["d_loss"] for line in whole.metrics()]


def test_a_run_whose_classes_are_others_is_not_continued(cli, monkeypatch):
    archive("x.npz", ["a", "b", "c"])
    run = zoo.train("cgan", data="x.npz", out="run", **tiny("cgan", steps=2))
    config = {**run.config, "data": {**run.config["data"], "class_names": ["a", "b", "z"]}}
    run.save_config(config)
    assert_refused(
        cli("resume", "run", "--steps", 4),
        "trained on other classes, a, b, z",
        "now, a, b, c",
        "zoo train cgan --from run",
    )
