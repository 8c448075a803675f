"""NumPy arrays: every layout and range is understood or refused with advice; nothing is unpickled."""

from __future__ import annotations

import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from data_files import read
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import saying

from zoo.data import open_source
from zoo.data.formats.arrays import ArraySource
from zoo.errors import DataError

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (12, 6, 5, 3), np.uint8)


def save(folder: Path, array: np.ndarray, packed: bool = False, **others: np.ndarray) -> str:
    path = folder / ("images.npz" if packed else "images.npy")
    if packed:
        np.savez_compressed(path, images=array, **others)
    else:
        np.save(path, array)
    return str(path)


@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2).copy(), COLOUR),
        (COLOUR[..., 0].copy(), COLOUR[..., :1]),
        (COLOUR[..., :1].copy(), COLOUR[..., :1]),
        (COLOUR.astype(np.uint16) * 257, COLOUR),
        (COLOUR.astype(">u2") * 257, COLOUR),
        (COLOUR.astype(np.float32) / 255, COLOUR),
        (COLOUR.astype(np.float64) / 127.5 - 1, COLOUR),
        (COLOUR[..., 0] > 127, np.where(COLOUR[..., :1] > 127, 255, 0)),
    ],
    ids=["nhwc", "nchw", "nhw", "nhw1", "uint16", "big-endian", "float 0..1", "float -1..1", "bool"],
)
def test_every_layout_and_range_is_read(tmp_path, packed, array, expected):
    source = open_source(save(tmp_path, array, packed))
    assert (source.name, len(source), source.channels) == ("arrays", 12, expected.shape[3])
    np.testing.assert_array_equal(read(source)[0], expected)


def test_transparency_is_over_white(tmp_path):
    array = np.concatenate([COLOUR, np.zeros_like(COLOUR[..., :1])], 3)
    array[0, ..., 3] = 255
    images, _ = read(open_source(save(tmp_path, array)))
    np.testing.assert_array_equal(images[0], COLOUR[0])
    assert (images[1:] == 255).all()


def test_fortran_order_is_read_from_npy_and_refused_in_npz(tmp_path):
    array = np.asfortranarray(COLOUR)
    np.testing.assert_array_equal(read(open_source(save(tmp_path, array)))[0], COLOUR)
    with pytest.raises(DataError, match="ascontiguousarray"):
        open_source(save(tmp_path, array, packed=True))


def test_an_ambiguous_shape_is_an_error_that_says_how_to_say_it(tmp_path):
    array = RANDOM.integers(0, 256, (5, 3, 8, 3), np.uint8)
    path = save(tmp_path, array)
    with pytest.raises(DataError, match=r"could be .*images\.npy:nchw or --data .*images\.npy:nhwc"):
        open_source(path)
    np.testing.assert_array_equal(read(open_source(f"{path}:nhwc"))[0], array)
    np.testing.assert_array_equal(read(open_source(f"arrays:{path}:nchw"))[0], array.transpose(0, 2, 3, 1))
    assert open_source(f"{path}:nhwc").fingerprint() != open_source(f"{path}:nchw").fingerprint()


@pytest.mark.parametrize("key", ["labels", "y"])
def test_labels_in_the_archive_are_read(tmp_path, key):
    path = save(tmp_path, COLOUR, True, **{key: np.array([5, 5, 9] * 4)})
    source = open_source(path)
    assert source.class_names == ["5", "9"]
    assert read(source)[1].tolist() == [0, 0, 1] * 4


def test_the_names_of_keras_and_medmnist_are_known(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=COLOUR, y_train=np.arange(12), x_test=COLOUR, y_test=np.arange(12))
    assert open_source(str(tmp_path / "a.npz")).classes == 12
    np.savez(tmp_path / "b.npz", train_images=COLOUR, train_labels=np.arange(12)[:, None], val_images=COLOUR)
    assert open_source(str(tmp_path / "b.npz")).classes == 12


def test_an_archive_of_unknown_names_lists_them(tmp_path):
    np.savez(tmp_path / "a.npz", left=COLOUR, right=COLOUR)
    with pytest.raises(DataError, match=saying("left, right", "'images'")):
        open_source(str(tmp_path / "a.npz"))


def test_labels_beside_a_npy_are_read_and_may_be_text(tmp_path):
    path = save(tmp_path, COLOUR)
    np.save(tmp_path / "images-labels.npy", np.array(["cat", "ant", "cat"] * 4))
    source = open_source(path)
    assert source.class_names == ["ant", "cat"]
    assert read(source)[1].tolist() == [1, 0, 1] * 4


def test_labels_decide_the_fingerprint_too(tmp_path):
    path = save(tmp_path, COLOUR)
    first = open_source(path).fingerprint()
    np.save(tmp_path / "images-labels.npy", np.arange(12))
    assert open_source(path).fingerprint() != first


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 4, 4), np.nan, np.float32), "image 0 holds NaN"),
        (np.full((3, 4, 4), 7.0), "floats from 7 to 7; expected"),
        (np.full((3, 4, 4), -3.0), "floats from -3 to -3; expected"),
        (np.full((3, 4, 4), np.inf), "floats from inf"),
        (np.zeros((3, 4, 4), np.int64), "type int64; expected uint8"),
        (np.zeros((3, 4, 4), np.complex64), "type complex64"),
        (np.zeros((3, 784), np.uint8), r"shape \(3, 784\); expected \(N, H, W\)"),
        (np.zeros((3, 5, 5, 7), np.uint8), "no axis of 1, 3 or 4 channels"),
        (np.zeros((0, 4, 4), np.uint8), "no images"),
        (np.zeros((3, 1, 1), np.uint8), "1×1 pixels"),
        (np.zeros((3, 0, 4), np.uint8), "4×0 pixels"),
        (np.full((3, 4, 4), "a"), "type <U1"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
def test_arrays_that_are_no_images_are_refused(tmp_path, packed, array, message):
    path = save(tmp_path, array, packed)
    with pytest.raises(DataError, match=message) as caught:
        read(open_source(path))
    assert path in str(caught.value)


class Trap:
    """Unpickling it would fail the test."""

    def __reduce__(self):
        return (pytest.fail, ("the file ran code",))


@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
def test_object_arrays_are_refused_unread(tmp_path, packed):
    path = save(tmp_path, np.array([Trap()] * 3, dtype=object).reshape(3, 1, 1), packed)
    with pytest.raises(DataError, match="holds Python objects"):
        open_source(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(11), r"shape \(11,\); 12 images need"),
        (np.eye(12), r"shape \(12, 12\)"),
        (np.linspace(0, 1, 12), "type float64; labels are whole numbers"),
        (np.array([None] * 12), "Python objects"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        open_source(save(tmp_path, COLOUR, True, labels=labels))


@pytest.mark.parametrize("cut", [1, 500, 1070, 1130])
def test_a_truncated_npy_is_an_error(tmp_path, cut):
    path = Path(save(tmp_path, COLOUR))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"images\.npy"):
        open_source(str(path))


def test_a_truncated_or_damaged_npz_is_an_error(tmp_path):
    path = Path(save(tmp_path, RANDOM.integers(0, 256, (50, 28, 28), np.uint8), packed=True))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"images\.npz is no whole"):
        open_source(str(path))
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"images\.npz.*cannot be read"):
        read(open_source(str(path)))


@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
def test_a_header_that_claims_the_moon_allocates_nothing(tmp_path, packed):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 9999, 9999)}\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(1000)
    path = tmp_path / ("a.npz" if packed else "a.npy")
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", data)
    else:
        path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="is not whole"):
            open_source(str(path))
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda version, header, tail: (
                b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + tail
            ),
            st.sampled_from([(1, 0), (2, 0), (3, 0), (9, 9)]),
            st.one_of(
                st.binary(max_size=40),
                st.builds(
                    lambda kind, shape: repr({"descr": kind, "fortran_order": False, "shape": shape}).encode() + b"\n",
                    st.sampled_from(["|u1", "<f4", "|O", "<U3", "|V7", "bad", [("a", "<i4")]]),
                    st.lists(st.integers(-2, 4), max_size=5).map(tuple),
                ),
            ),
            st.binary(max_size=80),
        ),
    ),
    st.booleans(),
)
def test_any_bytes_are_a_valid_source_or_a_data_error(data, packed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        if packed:
            path = path.with_suffix(".npz")
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("images.npy", data)
        else:
            path.write_bytes(data)
        try:
            images, _ = read(ArraySource(str(path)))
        except DataError:
            return
        assert images.size > 0
