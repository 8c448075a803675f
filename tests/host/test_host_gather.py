"""zoo._host.gather against the NumPy reference, bit for bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from messages import saying

from zoo.data.gather import reference

host = pytest.importorskip("zoo._host", reason="the host module is not built", exc_type=ImportError)


def output(layout: str, batch: int, channels: int, height: int, width: int) -> np.ndarray:
    if layout == "channels_last":
        return np.full((batch, height, width, channels), np.nan, np.float32).transpose(0, 3, 1, 2)
    if layout == "strided":
        return np.full((2 * batch, channels, height, 3 * width), np.nan, np.float32)[::2, :, ::-1, ::3]
    if layout == "records":
        return np.zeros((batch, channels, height, width), [("tag", "i1"), ("value", "f4")])["value"]
    return np.full((batch, channels, height, width), np.nan, np.float32)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "strided", "records"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (-0.1, 0.7)])
@pytest.mark.parametrize("flipped", [None, "some", "none"])
def test_equals_the_reference_bit_for_bit(layout, channels, low, high, flipped):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 5, 7, channels), np.uint8)
    indices = generator.integers(0, 20, 9)
    flips = None if flipped is None else (generator.random(9) < 0.5) & (flipped == "some")
    ours, theirs = output(layout, 9, channels, 5, 7), output(layout, 9, channels, 5, 7)
    host.gather(images, indices, flips, low, high, ours)
    reference(images, indices, flips, low, high, theirs)
    assert ours.tobytes() == theirs.tobytes()


def test_reads_a_read_only_memory_map_and_strided_images(tmp_path):
    stored = np.random.default_rng(1).integers(0, 256, (6, 8, 8, 3), np.uint8)
    np.save(tmp_path / "images.npy", stored)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    indices = np.array([5, 0, 5])
    for images in (mapped, mapped[:, ::2, ::-1], stored[::-1], np.asfortranarray(stored)):
        _, height, width, channels = images.shape
        ours, theirs = (np.empty((3, channels, height, width), np.float32) for _ in range(2))
        host.gather(images, indices, np.array([True, False, False]), -1.0, 1.0, ours)
        reference(images, indices, np.array([True, False, False]), -1.0, 1.0, theirs)
        np.testing.assert_array_equal(ours, theirs)


def test_a_large_batch_on_several_threads_is_the_same():
    images = np.random.default_rng(2).integers(0, 256, (16, 256, 256, 3), np.uint8)
    indices = np.arange(64) % 16
    ours, theirs = (np.empty((64, 3, 256, 256), np.float32) for _ in range(2))
    host.gather(images, indices, None, -1.0, 1.0, ours)
    reference(images, indices, None, -1.0, 1.0, theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on address space is Linux's")
def test_a_system_without_threads_to_give_still_gets_its_batch():
    code = """
import resource
import numpy as np
import zoo._host as host
from zoo.data.gather import reference
images = np.random.default_rng(2).integers(0, 256, (16, 256, 256, 3), np.uint8)
indices = np.arange(64) % 16
ours, theirs = (np.zeros((64, 3, 256, 256), np.float32) for _ in range(2))
reference(images, indices, None, -1.0, 1.0, theirs)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (1 << 20)  # less than the stack of a thread
_, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
host.gather(images, indices, None, -1.0, 1.0, ours)
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
assert (ours == theirs).all()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_empty_batch_writes_nothing():
    host.gather(
        np.zeros((2, 4, 4, 1), np.uint8), np.zeros(0, np.int64), None, 0.0, 1.0, np.empty((0, 1, 4, 4), np.float32)
    )


@pytest.mark.parametrize("index", [-1, 2, 2**62])
def test_an_index_outside_is_refused_before_anything_is_written(index):
    out = np.full((2, 1, 4, 4), 7, np.float32)
    with pytest.raises(IndexError, match=saying(str(index), "position 1", "2 images")):
        host.gather(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, index]), None, 0.0, 1.0, out)
    assert (out == 7).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.zeros((2, 4, 4, 1), np.float32)}, "images is float32"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, r"images is uint8 of shape \(2, 4, 4\)"),
        ({"indices": np.zeros(3, np.int32)}, "indices is int32"),
        ({"flips": np.zeros(3, np.uint8)}, "flips is uint8"),
        ({"flips": np.zeros(2, bool)}, r"flips has shape \(2,\), indices \(3,\)"),
        ({"out": np.zeros((3, 1, 4, 4))}, "out is float64"),
        ({"out": np.zeros((3, 4, 4, 1), np.float32)}, r"\(3, 4, 4, 1\).*\(3, 1, 4, 4\)"),
        ({"out": np.broadcast_to(np.zeros((1, 1, 4, 4), np.float32), (3, 1, 4, 4))}, "read-only"),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(changes, words):
    arguments = {
        "images": np.zeros((2, 4, 4, 1), np.uint8),
        "indices": np.zeros(3, np.int64),
        "flips": None,
        "low": 0.0,
        "high": 1.0,
        "out": np.zeros((3, 1, 4, 4), np.float32),
    }
    with pytest.raises(ValueError, match=words):
        host.gather(**(arguments | changes))


def test_facts_about_the_processor():
    facts = host.cpu_facts()
    assert facts["cpu_threads"] >= 1
    assert isinstance(facts["cpu_features"], list)
