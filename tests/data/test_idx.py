"""IDX files: what is read, and that nothing damaged passes for whole."""

from __future__ import annotations

import gzip
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes, read
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import saying

from zoo.data import DataSpec, open_source, prepare
from zoo.data.formats.idx import IdxSource
from zoo.errors import DataError


def test_the_embedded_digits_are_5000_labelled_images_500_of_each_class():
    source = open_source("digits")
    images, labels = read(source)
    assert (len(source), source.channels, source.height, source.width, source.classes) == (5000, 1, 28, 28, 10)
    assert images.shape == (5000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [500] * 10
    assert source.class_names == list("0123456789")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_images_and_labels_are_read_plain_and_gzip(write_idx, digits_like, packed, name):
    path = write_idx(labels=digits_like[1], packed=packed, name=name)
    for location in (path, path.parent):
        source = open_source(str(location))
        images, labels = read(source)
        assert source.name == "idx"
        np.testing.assert_array_equal(images[..., 0], digits_like[0])
        np.testing.assert_array_equal(labels, digits_like[1])


def test_gzip_is_told_by_its_first_bytes_and_not_by_the_suffix(write_idx, digits_like):
    path = write_idx(packed=True)
    misnamed = path.rename(path.with_suffix(""))
    np.testing.assert_array_equal(read(open_source(str(misnamed)))[0][..., 0], digits_like[0])


def test_a_file_of_any_name_is_known_by_its_magic(write_idx):
    path = write_idx()
    assert open_source(str(path.rename(path.parent / "pictures.bin"))).name == "idx"


def test_labels_are_optional(write_idx):
    source = open_source(str(write_idx()))
    assert source.classes == 0
    assert read(source)[1] is None


def test_a_folder_with_train_and_test_files_gives_train_and_says_so(write_idx, digits_like):
    write_idx(name="t10k-images-idx3-ubyte", images=digits_like[0][:3])
    path = write_idx()
    source = open_source(str(path.parent))
    assert len(source) == 20
    assert "t10k-images-idx3-ubyte" in source.notes[0]


def test_a_folder_with_several_training_sets_is_an_error_that_lists_them(write_idx):
    write_idx(name="emnist-letters-train-images-idx3-ubyte")
    path = write_idx(name="emnist-digits-train-images-idx3-ubyte")
    with pytest.raises(DataError, match=r"emnist-digits-train.*emnist-letters-train.*point --data at one"):
        open_source(str(path.parent))


def test_a_labels_file_is_refused_with_advice(write_idx, digits_like):
    path = write_idx(labels=digits_like[1])
    with pytest.raises(DataError, match="holds labels; give the images file"):
        open_source(str(path).replace("images-idx3", "labels-idx1"))


def test_emnist_images_are_turned_back(write_idx, digits_like):
    source = open_source(str(write_idx(name="emnist-letters-train-images-idx3-ubyte")))
    assert (source.height, source.width) == (5, 6)
    np.testing.assert_array_equal(read(source)[0][..., 0], digits_like[0].transpose(0, 2, 1))


def test_labels_with_gaps_are_renumbered_and_keep_their_names(write_idx):
    source = open_source(str(write_idx(labels=[1, 26, 7, 7] * 5)))
    assert source.class_names == ["1", "7", "26"]
    assert read(source)[1].tolist() == [0, 2, 1, 1] * 5


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("change", [-1, -300, +1, +1000])
def test_a_payload_of_another_length_is_an_error(tmp_path, digits_like, packed, change):
    data = idx_bytes(digits_like[0])
    data = data[:change] if change < 0 else data + bytes(change)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match=saying("train-images-idx3-ubyte", "header", "600 bytes")):
        read(open_source(str(path)))


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (2**32 - 1, 28, 28), (3, 2**31, 2**31), (2**31, 2**16, 2**17)])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_header_that_claims_the_moon_allocates_nothing(tmp_path, shape, packed):
    data = struct.pack(">BBBB3I", 0, 0, 8, 3, *shape) + bytes(2**20)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="train-images-idx3-ubyte"):
            read(open_source(str(path)))
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"", "ends after 0 bytes"),
        (b"\0\0\x08", "ends after 3 bytes"),
        (b"\0\0\x08\x03\0\0", "inside its header"),
        (b"\0\0\x0d\x03" + bytes(12), "type 0x0d"),
        (b"\0\0\x08\x01" + bytes(12), "1 dimensions"),
        (b"GIF89a" + bytes(12), "begins with 47 49"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 28, 28), "no images"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 1, 1, 1) + b"\0", "1×1 pixels"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 5, 0, 28), "28×0 pixels"),
        (b"\x1f\x8b", "gzip"),
        (b"\x1f\x8b" + b"x" * 50, "gzip"),
    ],
)
def test_a_bad_header_is_an_error_that_names_the_file_and_the_fault(tmp_path, start, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(start)
    with pytest.raises(DataError, match=message) as caught:
        open_source(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_damaged_gzip_is_an_error_and_leaves_no_store(tmp_path, cache, damage):
    images = np.random.default_rng(0).integers(0, 256, (500, 28, 28), np.uint8)
    data = bytearray(gzip.compress(idx_bytes(images)))
    if damage == "truncated":
        data = data[: len(data) // 2]
    else:
        data[len(data) // 2] ^= 0xFF
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        prepare(open_source(str(path)), DataSpec(1, 28, 28))
    assert list((cache / "prepared").glob("*")) == [] if (cache / "prepared").exists() else True


def test_a_label_count_that_differs_is_an_error(write_idx):
    with pytest.raises(DataError, match="19 labels but train-images-idx3-ubyte holds 20 images"):
        open_source(str(write_idx(labels=[0] * 19)))


def test_a_labels_file_that_is_cut_off_is_an_error(write_idx, digits_like):
    path = write_idx(labels=digits_like[1])
    labels = path.parent / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(DataError, match="train-labels-idx1-ubyte does not hold"):
        open_source(str(path))


@settings(max_examples=200, deadline=None)
@given(
    header=st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda magic, sizes, payload: bytes(magic) + struct.pack(">3I", *sizes) + payload,
            st.sampled_from([(0, 0, 8, 3), (0, 0, 8, 1), (0, 0, 9, 3), (0, 1, 8, 3)]),
            st.tuples(*[st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1))] * 3),
            st.binary(max_size=70),
        ),
    ),
    packed=st.booleans(),
    cut=st.integers(0, 30),
)
def test_any_bytes_are_a_valid_source_or_a_data_error(header, packed, cut):
    data = gzip.compress(header) if packed else header
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train-images-idx3-ubyte"
        path.write_bytes(data[: len(data) - cut] if cut < 20 else data)
        IdxSource.accepts(str(path))
        try:
            images, _ = read(IdxSource(str(path)))
        except DataError as error:
            assert "train-images-idx3-ubyte" in str(error)  # noqa: PT017  (no error is as good)
        else:
            assert images.ndim == 4
            assert images.size > 0


# ---- as torchvision keeps them


def keep(tmp_path, write_idx, digits_like, name):
    folder = tmp_path / "data" / name / "raw"
    folder.mkdir(parents=True)
    images = write_idx(labels=digits_like[1])
    for path in (images, images.with_name("train-labels-idx1-ubyte")):
        path.rename(folder / path.name)
    return folder


def test_the_folders_of_torchvision_are_read_from_each_of_their_levels(tmp_path, write_idx, digits_like):
    raw = keep(tmp_path, write_idx, digits_like, "MNIST")
    for place in (raw, raw.parent, tmp_path / "data"):
        source = open_source(str(place))
        assert (len(source), source.classes) == (20, 4)
        note = f"{(raw / 'train-images-idx3-ubyte').relative_to(place)} in {place} is used"
        assert source.notes == (() if place == raw else (note,))


def test_one_of_several_sets_of_torchvision_is_to_be_named(tmp_path, write_idx, digits_like):
    folders = [keep(tmp_path, write_idx, digits_like, name) for name in ("MNIST", "KMNIST")]
    with pytest.raises(DataError, match=saying("several data sets", *map(str, folders))):
        open_source(str(tmp_path / "data"))
    assert len(open_source(str(folders[1].parent))) == 20
