"""A disk or a network drive that fails while it is read, at every call in turn: one error in words, and no advice against what may
be whole."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cifar_files import write_binary, write_pickles
from data_files import idx_bytes
from failing_reads import Disk, failing
from messages import assert_says
from support import tiny
from zoo_of_files import SITUATIONS

import zoo
from zoo.data import DataSpec, open_source, prepare
from zoo.errors import ZooError
from zoo.options.config_file import read_config
from zoo.plots.curves import draw_curves
from zoo.plugins.registry import registry

MOST = 12
"""Calls that fail in turn, of each reader; of more they are spread over all."""

AGAINST = ("remove", "delete", "train again", "damaged", "rename", "is missing", "copy or")
"""What would be wrong of something that nobody has read."""


def idx(folder: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    (folder / "a-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
    (folder / "a-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(6, dtype=np.uint8) % 2))
    return folder


def arrays(folder: Path) -> Path:
    np.save(folder / "a.npy", np.zeros((6, 8, 8), np.uint8) + np.arange(6, dtype=np.uint8)[:, None, None])
    np.save(folder / "a-labels.npy", np.arange(6) % 2)
    return folder / "a.npy"


def packed(folder: Path) -> Path:
    np.savez(folder / "a.npz", images=np.ones((6, 8, 8), np.uint8), labels=np.arange(6) % 2)
    return folder / "a.npz"


KINDS: dict[str, Callable[[Path], object]] = {
    "idx": idx,
    "npy": arrays,
    "npz": packed,
    "cifar": lambda folder: write_binary(folder / "c"),
    "cifar-pickle": lambda folder: write_pickles(folder / "c", "4"),
    **{name: SITUATIONS[name].build for name in ("a-folder-for-each-class", "dataset-json", "labels-csv", "labels-npy")},
    **{name: SITUATIONS[name].build for name in ("zip-archive", "tar-archive", "packed-tar-archive", "webdataset-shards")},
    **{name: SITUATIONS[name].build for name in ("parquet-file", "hdf5-file")},
}  # fmt: skip


def fails(folder: Path, work: Callable[[], object]) -> list[str]:
    """Do the work with each of its calls failing in turn; returns what is wrong with what was said."""
    with failing(Disk(folder)) as disk:
        work()
    assert disk.calls, "nothing is read"
    wrong = []
    for at in sorted({round(at) for at in np.linspace(1, disk.calls, min(MOST, disk.calls))}):
        for number in (errno.EACCES, errno.EIO, errno.ENOENT):
            with failing(Disk(folder, number, at)) as disk:
                try:
                    work()
                    continue  # it can do without, and has said so
                except ZooError as error:
                    text = str(error)
                except Exception as error:
                    wrong.append(f"call {at}, {errno.errorcode[number]} of {disk.failed}: {error!r}")
                    continue
            if number == errno.ENOENT:
                continue  # which may be true
            words = os.strerror(number).lower()
            if words not in text.lower() or "\n" in text or [each for each in AGAINST if each in text]:
                wrong.append(f"call {at}, {errno.errorcode[number]} of {disk.failed}: {text}")
    return wrong


@pytest.mark.parametrize("kind", KINDS)
def test_data_on_a_disk_that_fails(tmp_path, monkeypatch, kind):
    if needs := getattr(SITUATIONS.get(kind), "needs", ""):
        pytest.importorskip(needs)
    folder = tmp_path / "data"
    folder.mkdir()
    given = str(KINDS[kind](folder) or folder)
    cache = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(cache))

    def work() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        source = open_source(given)
        prepare(source, DataSpec(source.channels, 8, 8), workers=1)

    assert fails(folder, work) == []


def test_a_prepared_store_on_a_disk_that_fails(images, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    source = open_source(str(images))
    store = prepare(source, DataSpec(1, 8, 8))
    before = (store.directory / "images.u8").stat().st_ino
    assert fails(store.directory, lambda: prepare(open_source(str(images)), DataSpec(1, 8, 8))) == []
    assert (store.directory / "images.u8").stat().st_ino != 0 != before


@pytest.fixture(scope="module")
def run(images, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    return zoo.train("vanilla", data=str(images), out=out, **tiny("vanilla", steps=6, checkpoint_every=3)).path


def test_a_run_that_is_loaded_from_a_disk_that_fails(run):
    assert fails(run, lambda: zoo.load(run)) == []


def test_a_run_that_is_resumed_from_a_disk_that_fails(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)

    def work() -> None:
        with pytest.raises(zoo.errors.RunError, match="is finished") as raised:
            zoo.resume(copy)
        assert raised.value.__cause__ is None

    def reading_it_all() -> None:
        try:
            zoo.resume(copy)
        except zoo.errors.RunError as error:
            if "is finished" not in str(error):
                raise

    work()
    assert fails(copy, reading_it_all) == []


def test_a_journal_on_a_disk_that_fails(run):
    known = zoo.Run(run)
    assert fails(run, known.metrics) == []
    pytest.importorskip("matplotlib")
    assert fails(run, lambda: draw_curves(known)) == []


@pytest.mark.parametrize("name", ["mine.toml", "mine.json"])
def test_options_on_a_disk_that_fails(tmp_path, name):
    (tmp_path / name).write_text("steps = 3" if name.endswith("toml") else '{"steps": 3}')
    architecture = registry().architecture("vanilla")
    assert fails(tmp_path, lambda: read_config(tmp_path / name, architecture)) == []


def test_what_fails_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), np.uint8))
    with failing(Disk(tmp_path, errno.EIO, 1)), pytest.raises(ZooError) as raised:
        open_source(str(tmp_path / "a.npy"))
    assert_says(str(raised.value), "a.npy cannot be read", os.strerror(errno.EIO), "try again")
