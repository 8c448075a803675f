"""CIFAR in its four versions, and pickles that ask for more than arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cifar_files import IMAGES, LABELS, NAMES, ROWS, dump, write_binary, write_pickles
from data_files import read
from messages import saying

from zoo.data import open_source
from zoo.errors import DataError

STYLES = ["binary", "python2", "2", "4", "5"]


def write(folder: Path, style: str, hundred: bool) -> Path:
    return write_binary(folder, hundred) if style == "binary" else write_pickles(folder, style, hundred)


@pytest.mark.parametrize("style", STYLES)
def test_cifar_10_is_read_in_every_version(tmp_path, style):
    source = open_source(str(write(tmp_path / "c", style, False)))
    images, labels = read(source)
    assert (source.name, len(source), source.class_names) == ("cifar", 10, NAMES)
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == LABELS


@pytest.mark.parametrize("style", STYLES)
def test_cifar_100_is_read_with_its_fine_labels(tmp_path, style):
    source = open_source(str(write(tmp_path / "c", style, True)))
    images, labels = read(source)
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == [11 * label for label in LABELS]
    assert source.class_names[11] == "thing11"


def test_the_folder_around_the_well_known_folder_works_too(tmp_path):
    write_binary(tmp_path / "cifar-10-batches-bin")
    assert len(open_source(str(tmp_path))) == 10


def test_a_missing_batch_is_noted(tmp_path):
    folder = write_binary(tmp_path / "c")
    (folder / "data_batch_3.bin").unlink()
    source = open_source(str(folder))
    assert len(source) == 8
    assert "data_batch_3.bin missing" in source.notes[0]


def test_missing_names_become_numbers(tmp_path):
    folder = write_binary(tmp_path / "c")
    (folder / "batches.meta.txt").unlink()
    assert open_source(str(folder)).class_names == list("0123456789")


def test_an_archive_says_that_it_must_be_unpacked(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match=r"unpack it \(tar xf cifar-10-python.tar.gz\)"):
        open_source(str(tmp_path / "cifar-10-python.tar.gz"))


def test_a_truncated_binary_file_is_an_error(tmp_path):
    file = write_binary(tmp_path / "c") / "data_batch_2.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"data_batch_2.bin has 6,145 bytes.*3,073"):
        open_source(str(file.parent))
    file.write_bytes(b"")
    with pytest.raises(DataError, match=r"data_batch_2.bin has 0 bytes"):
        open_source(str(file.parent))


@pytest.mark.parametrize("style", ["binary", "4"])
def test_a_label_out_of_range_is_an_error(tmp_path, style):
    folder = write(tmp_path / "c", style, False)
    if style == "binary":
        file = folder / "data_batch_1.bin"
        file.write_bytes(b"\x0b" + file.read_bytes()[1:])
    else:
        dump(folder / "data_batch_1", {"data": ROWS[:2], "labels": [1, 11]}, style)
    with pytest.raises(DataError, match=saying("label 11", "0 to 9")):
        read(open_source(str(folder)))


class Evil:
    """Unpickling it would fail the test."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "evil",
    [
        Evil(pytest.fail, "the file ran code"),
        Evil(eval, "1"),
        Evil(getattr, "text", "upper"),
        Evil(np.load, "x"),
        Path("x"),
    ],
    ids=["fail", "eval", "getattr", "numpy.load", "pathlib"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_asks_to_run_something_is_refused(tmp_path, evil, protocol):
    folder = write_pickles(tmp_path / "c", "4")
    dump(folder / "data_batch_1", {"data": ROWS[:2], "labels": [0, evil]}, str(protocol))
    with pytest.raises(DataError, match=r"data_batch_1 is refused: it asks to run"):
        open_source(str(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds list, not a dictionary"),
        ({"labels": [1]}, "no array 'data'"),
        ({"data": ROWS[:2, :100], "labels": [1, 2]}, r"shape \(2, 100\)"),
        ({"data": ROWS[:2].astype(float), "labels": [1, 2]}, "'data' is f8"),
        ({"data": ROWS[:2], "labels": [1]}, "2 images but 1 labels"),
        ({"data": ROWS[:2]}, "no list 'labels'"),
        ({"data": ROWS[:0], "labels": []}, "no images"),
    ],
)
def test_pickles_that_are_no_cifar_are_refused(tmp_path, content, message):
    folder = write_pickles(tmp_path / "c", "4")
    dump(folder / "data_batch_1", content, "4")
    with pytest.raises(DataError, match=message):
        open_source(str(folder))


def test_a_damaged_pickle_is_an_error_wherever_it_is_cut(tmp_path):
    folder = write_pickles(tmp_path / "c", "4")
    whole = (folder / "data_batch_1").read_bytes()
    for length in [*range(200), len(whole) // 2, len(whole) - 1]:
        (folder / "data_batch_1").write_bytes(whole[:length])
        with pytest.raises(DataError, match="data_batch_1"):
            open_source(str(folder))
