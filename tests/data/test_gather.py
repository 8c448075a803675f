"""Batch assembly: the reference against the formula, and whatever is chosen against the reference, bit for bit."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import gather as module
from zoo.data.gather import gather, reference
from zoo.errors import NativeError
from zoo.system import native


def output(shape, channels_last):
    batch, channels, height, width = shape
    if channels_last:
        return np.full((batch, height, width, channels), np.nan, np.float32).transpose(0, 3, 1, 2)
    return np.full(shape, np.nan, np.float32)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (1.0, -1.0), (-0.3, 0.7)])
def test_every_byte_becomes_the_nearest_float(channels_last, low, high):
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    out = output((1, 1, 16, 16), channels_last)
    gather(images, np.zeros(1, np.int64), None, low, high, out)
    exact = low + (high - low) * np.arange(256) / 255
    np.testing.assert_array_equal(out.ravel(), exact.astype(np.float32))


def test_the_ends_of_the_range_are_exact():
    images = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    out = np.empty((1, 1, 1, 2), np.float32)
    gather(images, np.zeros(1, np.int64), None, -1.0, 1.0, out)
    assert out.ravel().tolist() == [-1, 1]


def test_an_index_outside_is_an_error():
    with pytest.raises(IndexError):
        gather(np.zeros((3, 2, 2, 1), np.uint8), np.array([3]), None, 0.0, 1.0, np.empty((1, 1, 2, 2), np.float32))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    batch=st.integers(1, 8),
    channels_last=st.booleans(),
    flip=st.sampled_from(["none", "some", "all"]),
)
def test_rows_channels_and_mirrors_are_where_they_belong(seed, shape, batch, channels_last, flip):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, shape, np.uint8)
    indices = random.integers(0, shape[0], batch)
    flips = {"none": None, "some": random.integers(0, 2, batch).astype(bool), "all": np.ones(batch, bool)}[flip]
    expected = np.empty((batch, shape[3], shape[1], shape[2]))
    for place, index in enumerate(indices):
        image = images[index].transpose(2, 0, 1)
        expected[place] = image[..., ::-1] if flips is not None and flips[place] else image
    results = []
    for function in (gather, reference):
        out = output(expected.shape, channels_last)
        function(images, indices, flips, -1.0, 1.0, out)
        results.append(out)
    np.testing.assert_array_equal(results[0], (-1 + 2 * expected / 255).astype(np.float32))
    np.testing.assert_array_equal(results[0], results[1])


def test_the_native_function_is_chosen_where_it_is_present(monkeypatch):
    native = SimpleNamespace(gather=object())
    monkeypatch.setitem(sys.modules, "zoo._host", native)
    monkeypatch.delenv("ZOO_NATIVE", raising=False)
    assert module._choose() is native.gather
    monkeypatch.setenv("ZOO_NATIVE", "0")
    assert module._choose() is reference


def test_a_missing_native_module_is_quiet_and_a_broken_one_is_not(monkeypatch):
    monkeypatch.delenv("ZOO_NATIVE", raising=False)

    def missing(name):
        raise ModuleNotFoundError("No module named 'zoo._host'", name=name)

    def broken(name):
        raise ImportError("undefined symbol")

    monkeypatch.setattr(native.importlib, "import_module", missing)
    assert module._choose() is reference
    monkeypatch.setattr(native.importlib, "import_module", broken)
    with pytest.raises(NativeError, match=r"undefined symbol.*rebuild it with"):
        module._choose()
