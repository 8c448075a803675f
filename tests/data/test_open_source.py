"""--data: names, paths, plugins, and what a person reads when nothing fits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from messages import saying

from zoo.data import DataSource, DataSpec, open_source, prepare, sources
from zoo.data.images import Images
from zoo.data.registry import absolute, is_name
from zoo.errors import DataError, PluginError


class Stripes(DataSource):
    """A source as a plugin writes it."""

    name = "stripes"
    summary = "Horizontal and vertical stripes, made on the fly."

    @classmethod
    def accepts(cls, location):
        return location == "" or location.endswith(".stripes")

    def __init__(self, location):
        self.title = f"stripes {location}"
        self.channels, self.height, self.width = 1, 8, 8
        self.class_names = ["horizontal", "vertical"]

    def __len__(self):
        return 1000

    def fingerprint(self):
        return "stripes-1"

    def chunks(self):
        return range(0, 1000, 100)

    def decode(self, item, spec):
        labels = np.arange(item, item + 100) % 2
        stripe = np.tile(np.array([0, 255], np.uint8), 4)
        both = np.stack([np.repeat(stripe[:, None], 8, 1), np.repeat(stripe[None], 8, 0)])
        yield Images(both[labels][..., None], labels)


def test_a_plugins_source_is_found_by_name_and_by_path_and_works(tmp_path):
    assert open_source("stripes", [Stripes]).title == "stripes "
    assert open_source("stripes:wide", [Stripes]).title == "stripes wide"
    assert isinstance(open_source(str(tmp_path / "a.stripes"), [Stripes]), Stripes)
    store = prepare(open_source("stripes", [Stripes]), DataSpec(1, 8, 8))
    assert len(store) == 1000
    assert store.images[1, 0, :, 0].tolist() == [0, 255] * 4


def test_plugins_are_asked_before_the_built_in_kinds(tmp_path):
    class Folders(Stripes):
        @classmethod
        def accepts(cls, location):
            return location == str(tmp_path)

    assert isinstance(open_source(str(tmp_path), [Folders]), Folders)


def test_two_sources_of_one_name_are_an_error_that_names_both():
    class Digits(Stripes):
        name = "digits"

    with pytest.raises(PluginError, match=r"'digits'.*Digits.*DigitsSource"):
        sources([Digits])
    assert next(iter(sources([Stripes, Stripes]))) == "stripes"


def test_every_built_in_source_has_a_name_and_a_sentence():
    known = sources()
    read = {"digits", "idx", "cifar", "arrays", "folder", "zip", "tar", "parquet", "lmdb", "line", "ring", "grid"}
    named = {"mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100", "celeba", "hf"}
    assert read | named == set(known)
    assert all(source.summary.endswith(".") and source.__doc__ for source in known.values())


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("digts", saying("'digts'", "did you mean 'digits'")),
        ("MNSIT", saying("did you mean 'mnist'")),
        (
            "zzzzz",
            saying("'zzzzz' does not exist, and no data has that name (zoo list)", "a folder of images (./photos)"),
        ),
        ("", saying("'' does not exist", "a folder of images (./photos)")),
        ("folder", saying("--data folder", "--data folder:PATH")),
        ("./fotos", saying("'./fotos' does not exist", "'photos'")),
        ("nowhere/at/all", saying("does not exist", "no folder 'nowhere/at'")),
        ("~nobody-of-this-name/x", "does not exist"),
        ("a\0b", "is no path"),
        ("x" * 5000, "File name too long|does not exist"),
    ],
)
def test_what_does_not_exist_is_named_with_what_works(tmp_path, monkeypatch, location, message):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        open_source(location)


def test_a_file_of_no_known_kind_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=saying("notes.txt", "what works: digits")):
        open_source(str(tmp_path / "notes.txt"))


@pytest.mark.parametrize("name", ["idx", "cifar", "arrays", "folder"])
def test_a_kind_with_a_place_that_does_not_exist_is_an_error(name):
    for location in (f"{name}:", f"{name}:/no/such/place"):
        with pytest.raises(DataError):
            open_source(location)


def test_digits_have_no_parts():
    with pytest.raises(DataError, match="write --data digits"):
        open_source("digits:3")


def test_names_are_told_from_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cifar").mkdir()
    assert is_name("digits")
    assert is_name("folder:./photos")
    assert is_name("stripes", [Stripes])
    assert not is_name("cifar")
    assert not is_name("./digits")


def test_a_location_can_be_spelled_for_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "a.npy").touch()
    assert absolute("digits") == "digits"
    assert absolute("stripes:3", [Stripes]) == "stripes:3"
    assert absolute("photos") == str(tmp_path / "photos")
    assert absolute("folder:photos") == f"folder:{tmp_path / 'photos'}"
    assert absolute("a.npy:nchw") == f"{tmp_path / 'a.npy'}:nchw"


def test_data_is_importable_without_torch():
    code = (
        "import sys, zoo.data, zoo.data.spec; assert 'numpy' not in sys.modules; "
        "zoo.data.open_source('digits'); zoo.data.prepare; assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
