"""Writing the store: whole or not at all, whatever the disk, other processes and impatient people do."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from data_files import Numbers

from zoo.data import DataSpec, ImageStore, open_source, prepare
from zoo.data import store_writer as writer
from zoo.errors import DataError

SPEC = DataSpec(1, 4, 4)


def test_an_interrupt_leaves_nothing(cache):
    def stop(done, total):
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(Numbers(), SPEC, progress=stop)
    assert list((cache / "prepared").iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoo-prepare")]


CHILD = """
    import os, sys
    from zoo.data import DataSpec, open_source, prepare
    def progress(done, total):
        if {dies} and done > 2000:
            os._exit(9)
    store = prepare(open_source("digits"), DataSpec(1, 16, 16), progress=progress)
    print(len(store), int(store.images.sum(dtype="int64")))
"""


def child(dies: bool) -> subprocess.Popen:
    """Prepares the digits in another process; with `dies` it is killed half way, without any cleaning up."""
    code = textwrap.dedent(CHILD.format(dies=dies))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def test_a_killed_preparation_is_never_taken_for_whole(cache):
    process = child(dies=True)
    process.communicate()
    assert process.returncode == 9
    left = sorted((cache / "prepared").iterdir())
    assert [(path.name[:5], path.suffix) for path in left] == [(".tmp-", ""), (".tmp-", ".lock")]
    store = prepare(open_source("digits"), DataSpec(1, 16, 16))
    assert len(store) == 5000
    assert list((cache / "prepared").iterdir()) == [store.directory], "what was left is swept"


def test_two_processes_prepare_the_same_data_at_once(cache):
    processes = [child(dies=False), child(dies=False)]
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(outputs) == 1
    assert len(list((cache / "prepared").iterdir())) == 1


def test_another_process_may_finish_first(cache):
    done = []

    def meanwhile(*_):
        if not done:
            done.append(True)
            prepare(Numbers(), SPEC)

    assert len(prepare(Numbers(), SPEC, progress=meanwhile)) == 100
    assert len(list((cache / "prepared").iterdir())) == 1


def truncate(store: ImageStore) -> None:
    with (store.directory / "images.u8").open("ab") as file:
        file.truncate(100)


DAMAGE = {
    "images cut off": truncate,
    "images missing": lambda store: (store.directory / "images.u8").unlink(),
    "labels cut off": lambda store: (store.directory / "labels.i64").write_bytes(b"12345678"),
    "no description": lambda store: (store.directory / "meta.json").unlink(),
    "broken description": lambda store: (store.directory / "meta.json").write_text("{"),
    "another version": lambda store: (store.directory / "meta.json").write_text('{"version": 0}'),
    "a description that is a list": lambda store: (store.directory / "meta.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_store_is_noticed_and_made_again(damage, cache):
    store = prepare(Numbers(), SPEC)
    damage(store)
    with pytest.raises(DataError, match="damaged"):
        ImageStore(store.directory)
    again = prepare(Numbers(), SPEC)
    assert again.images[:, 0, 0, 0].tolist() == list(range(100))
    assert [path.name for path in (cache / "prepared").iterdir()] == [again.directory.name]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_or_read_only_disk_is_an_error_that_names_the_place_and_zoo_cache(cache, monkeypatch, code):
    def fail(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writer.os, "fsync", fail)
    with pytest.raises(DataError, match="ZOO_CACHE") as caught:
        prepare(Numbers(), SPEC)
    assert str(cache) in str(caught.value)
    assert os.strerror(code) in str(caught.value)
    assert list((cache / "prepared").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_an_error_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written to .*file.*ZOO_CACHE"):
        prepare(Numbers(), SPEC)


def test_too_little_room_is_said_before_the_work(monkeypatch, cache):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    source = Numbers()
    with pytest.raises(DataError, match=r"need .* (KB|bytes) but .* has 1 byte free.*ZOO_CACHE"):
        prepare(source, SPEC)
    assert source.decoded == 0


def test_a_store_in_a_read_only_cache_is_used(monkeypatch):
    prepare(Numbers(), SPEC)

    def fail(*_, **__):
        raise AssertionError("wrote something")

    monkeypatch.setattr("zoo.data.store.written_store", fail)
    assert len(prepare(Numbers(), SPEC)) == 100


def test_what_a_living_preparation_writes_to_is_left_alone(cache):
    there = []

    def meanwhile(*_):
        if not there:
            there.extend((cache / "prepared").iterdir())
            prepare(Numbers(), DataSpec(1, 2, 2))
            assert set(there) <= set((cache / "prepared").iterdir())

    assert len(prepare(Numbers(), SPEC, progress=meanwhile)) == 100
    assert len(there) == 2
    assert len(list((cache / "prepared").iterdir())) == 2


def test_what_killed_preparations_of_an_earlier_zoo_left_is_removed_after_a_day(cache):
    old, fresh = cache / "prepared" / ".tmp-old", cache / "prepared" / ".tmp-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "images.u8").write_bytes(b"x")
    long_ago = time.time() - 2 * 24 * 3600
    for path in (old / "images.u8", old):
        os.utime(path, (long_ago, long_ago))
    prepare(Numbers(), SPEC)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_the_cache_can_be_named(tmp_path):
    assert prepare(Numbers(), SPEC, cache=tmp_path / "here").directory.is_relative_to(tmp_path / "here")


def test_the_cache_directory_follows_zoo_cache_then_xdg_then_home(monkeypatch):
    from zoo.data.cache import cache_directory

    monkeypatch.setenv("ZOO_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_directory() == Path("/a")
    monkeypatch.delenv("ZOO_CACHE")
    assert cache_directory() == Path("/b/zoo")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/c")
    assert cache_directory() == Path("/c/.cache/zoo")
