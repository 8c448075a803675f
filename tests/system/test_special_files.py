"""Pipes and devices in the place of files: nothing waits for them, or reads them without end."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cifar_files import write_binary
from data_files import idx_bytes
from support import tiny
from zoo_of_files import put

import zoo
from zoo.cli.completing.runs import runs as offered
from zoo.data import DataSpec, open_source, prepare
from zoo.errors import ZooError
from zoo.options.config_file import read_config
from zoo.plots.curves import draw_curves
from zoo.plugins.registry import registry
from zoo.run.verification import verify_files
from zoo.system.reading import NotPlainError, open_plain, read_plain

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")

PATIENCE = 60
"""Seconds after which something waits."""


def outcome(work: Callable[[], object]) -> str:
    """What a ZooError says, or nothing; fails where the work does not come to an end."""
    said: list[str] = []

    def run() -> None:
        try:
            work()
            said.append("")
        except ZooError as error:
            said.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert said, "it waits for a pipe, or reads a device"
    return said[0]


def special(path: Path, kind: str) -> Path:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    return path


KINDS = pytest.mark.parametrize("kind", ["pipe", "device"])


@KINDS
@pytest.mark.parametrize(
    "name", ["a", "a.npz", "a.npy", "a.h5", "a.zip", "a.tar", "a.parquet", "a.png", "a-images-idx3-ubyte"]
)
def test_data_that_is_a_pipe_or_a_device(tmp_path, name, kind):
    path = special(tmp_path / name, kind)
    assert "no" in outcome(lambda: open_source(str(path)))


@KINDS
@pytest.mark.parametrize("name", ["labels.csv", "dataset.json", "labels.npy", "b.png", "b", "sub"])
def test_what_lies_among_pictures_and_is_no_file_is_counted(tmp_path, name, kind):
    put(tmp_path / "a.png")
    special(tmp_path / name, kind)
    source = open_source(str(tmp_path))
    assert len(prepare(source, DataSpec(3, 8, 8))) == 1
    assert any("no file" in note and name in note for note in source.notes), source.notes


@KINDS
@pytest.mark.parametrize("name", ["a-labels-idx1-ubyte", "batches.meta.txt", "data_batch_2.bin", "a-labels.npy"])
def test_files_beside_the_images(tmp_path, name, kind):
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((4, 8, 8), np.uint8)))
    np.save(tmp_path / "a.npy", np.zeros((4, 8, 8), np.uint8))
    folder = write_binary(tmp_path / "c")
    beside = folder if "batch" in name else tmp_path
    special(beside / name, kind)
    given = {"c": folder, "i": tmp_path / "a-images-idx3-ubyte", "n": tmp_path / "a.npy"}[
        "c" if "batch" in name else "i" if "idx" in name else "n"
    ]
    assert outcome(lambda: prepare(open_source(str(given)), DataSpec(3, 8, 8))) == "", "it is as good as missing"


@KINDS
@pytest.mark.parametrize("name", ["a.toml", "a.json"])
def test_options(tmp_path, name, kind):
    path = special(tmp_path / name, kind)
    said = outcome(lambda: read_config(path, registry().architecture("vanilla")))
    assert "not a file" in said, said


@pytest.fixture
def run(images, tmp_path) -> Path:
    return zoo.train("vanilla", data=str(images), out=tmp_path / "run", **tiny("vanilla", steps=5)).path


@KINDS
def test_the_files_of_a_run(run, tmp_path, kind):
    checkpoint = zoo.Run(run).latest()[1].relative_to(run)
    grid = zoo.Run(run).samples[-1].relative_to(run)
    looks: dict[str, tuple[str, Callable[[Path], object]]] = {
        "config.json": ("not a file", zoo.Run),
        "metrics.jsonl": ("not a file", lambda copy: zoo.Run(copy).metrics()),
        f"{checkpoint}/state.json": ("lacks state.json", zoo.load),
        f"{checkpoint}/generator.safetensors": ("lacks generator.safetensors", zoo.load),
        f"{grid}": ("", lambda copy: zoo.Run(copy)._repr_html_()),
    }
    for name, (words, look) in looks.items():
        copy = Path(shutil.copytree(run, tmp_path / "copy"))
        special(copy / name, kind)
        said = outcome(lambda look=look, copy=copy: look(copy))
        assert words in said, (name, said)
        assert outcome(lambda: offered(f"{tmp_path}/")) == ""
        if name == "metrics.jsonl":
            pytest.importorskip("matplotlib")
            assert "not a file" in outcome(lambda copy=copy: draw_curves(zoo.Run(copy)))
        shutil.rmtree(copy)


@KINDS
def test_what_lies_beside_the_files_of_a_checkpoint(run, kind):
    special(zoo.Run(run).latest()[1] / "more.safetensors", kind)
    assert outcome(lambda: [finding.damage for finding in verify_files(zoo.Run(run))]) == ""


@KINDS
def test_a_database(tmp_path, kind):
    pytest.importorskip("lmdb")
    special(tmp_path / "a.mdb", kind)
    assert "not a file" in outcome(lambda: open_source(f"lmdb:{tmp_path / 'a.mdb'}"))


@KINDS
def test_a_prepared_store(images, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    for name in ("meta.json", "images.u8", "labels.i64"):
        store = prepare(open_source(str(images)), DataSpec(1, 8, 8))
        special(store.directory / name, kind)
        said = outcome(lambda: prepare(open_source(str(images)), DataSpec(1, 8, 8)))
        assert "not a file" in said, said
        assert "ZOO_CACHE" in said
        shutil.rmtree(store.directory)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # which takes no room
    with pytest.raises(OSError, match="more than 1,000 bytes"):
        read_plain(path, 1000)
    with pytest.raises(NotPlainError, match="named pipe"):
        open_plain(special(path, "pipe"))
