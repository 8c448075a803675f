"""The prepared store: made once, whole or not at all, and what it tells the person."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data import DataSource, DataSpec, Images, ImageStore, Unreadable, open_source, prepare
from zoo.data import store_writer as writer
from zoo.errors import DataError

SPEC = DataSpec(1, 4, 4)


class Numbers(DataSource):
    """Image number n is all n; what is in `bad` cannot be read."""

    name = "numbers"
    summary = "For tests."

    def __init__(self, location="", count=100, bad=(), channels=1, size=(4, 4)):
        self.title = "numbers"
        self.channels = channels
        self.height, self.width = size
        self.class_names = ["even", "odd"]
        self.count, self.bad = count, bad
        self.decoded = 0

    @classmethod
    def accepts(cls, location):
        return location == ""

    def __len__(self):
        return self.count

    def fingerprint(self):
        return f"numbers {self.count} {self.bad} {self.channels} {self.height} {self.width}"

    def chunks(self):
        return range(self.count)

    def decode(self, item, spec):
        self.decoded += 1
        if item in self.bad:
            yield Unreadable(f"{item}.png", "torn")
        else:
            pixels = np.full((1, self.height, self.width, self.channels), item % 256, np.uint8)
            yield Images(pixels, np.array([item % 2]))


def test_a_store_holds_all_images_and_labels_in_order():
    store = prepare(Numbers(), SPEC)
    assert store.images.shape == (100, 4, 4, 1)
    assert store.images.dtype == np.uint8
    assert store.images[:, 0, 0, 0].tolist() == list(range(100))
    assert store.labels.tolist() == [n % 2 for n in range(100)]
    assert (store.spec, store.class_names, len(store)) == (DataSpec(1, 4, 4, 2), ["even", "odd"], 100)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_result_does_not_depend_on_the_number_of_workers(workers, cache):
    store = prepare(Numbers(), SPEC, workers=workers)
    assert store.images[:, 0, 0, 0].tolist() == list(range(100))


def test_images_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        prepare(Numbers(), SPEC).images[0] = 1


def test_a_second_start_decodes_nothing():
    prepare(Numbers(), SPEC)
    again = Numbers()
    assert len(prepare(again, SPEC)) == 100
    assert again.decoded == 0


def test_another_geometry_or_content_is_another_store():
    places = {
        prepare(source, spec).directory
        for source in (Numbers(), Numbers(count=99))
        for spec in (SPEC, DataSpec(3, 4, 4), DataSpec(1, 8, 4), DataSpec(1, 4, 8))
    }
    assert len(places) == 8


def test_the_number_of_classes_wanted_does_not_matter():
    assert prepare(Numbers(), DataSpec(1, 4, 4, 7)).directory == prepare(Numbers(), SPEC).directory


def test_progress_ends_at_the_total():
    calls = []
    prepare(Numbers(bad=(3, 4)), SPEC, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (100, 100)
    assert calls == sorted(calls)


def test_only_a_few_items_are_read_ahead():
    """Memory stays bounded: `chunks` is not read faster than the results are written."""
    ahead = []
    written = [0]

    class Watched(Numbers):
        def chunks(self):
            for item in range(self.count):
                ahead.append(item - written[0])
                yield item

    prepare(Watched(), SPEC, workers=2, progress=lambda done, _: written.__setitem__(0, done))
    assert max(ahead) <= 4


@pytest.mark.parametrize(
    ("source", "spec", "lines"),
    [
        (Numbers(), SPEC, []),
        (Numbers(channels=3, size=(32, 32)), DataSpec(3, 64, 64), ["32×32×3 images are resized to 64×64"]),
        (Numbers(), DataSpec(3, 4, 4), ["grey images are repeated in three channels"]),
        (Numbers(channels=3), SPEC, ["colour images are turned to grey"]),
        (Numbers(size=(4, 8)), SPEC, ["8×4×1 images are resized to 4×4 (the middle is kept)"]),
        (Numbers(bad=(7,)), SPEC, ["1 of 100 images cannot be read and are skipped: 7.png (torn)"]),
        (
            Numbers(bad=(7, 8, 9, 11)),
            SPEC,
            ["4 of 100 images cannot be read and are skipped: 7.png (torn); 8.png (torn); 9.png (torn), …"],
        ),
    ],
)
def test_the_person_is_told_what_happened_to_the_images_every_time(source, spec, lines):
    for _ in range(2):
        told = []
        assert prepare(source, spec, report=told.append).notes == lines
        assert told == lines


def test_skipped_images_leave_no_hole():
    store = prepare(Numbers(bad=(0, 50)), SPEC)
    assert store.images[:, 0, 0, 0].tolist() == [n for n in range(100) if n not in (0, 50)]
    assert store.labels.tolist() == [n % 2 for n in range(100) if n not in (0, 50)]
    assert store.skipped == [("0.png", "torn"), ("50.png", "torn")]


def test_strict_stops_and_leaves_nothing(cache):
    with pytest.raises(DataError, match=r"50.png cannot be read: torn \(--strict"):
        prepare(Numbers(bad=(50,)), SPEC, strict=True)
    assert list((cache / "prepared").iterdir()) == []


def test_a_source_without_a_readable_image_is_an_error():
    with pytest.raises(DataError, match=r"not one image can be read: 0\.png"):
        prepare(Numbers(count=3, bad=(0, 1, 2)), SPEC)


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
    left = list((cache / "prepared").iterdir())
    assert [path.name[:5] for path in left] == [".tmp-"]
    assert len(prepare(open_source("digits"), DataSpec(1, 16, 16))) == 5000


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
    with pytest.raises(DataError, match=r"need .* GB but .* GB free.*ZOO_CACHE"):
        prepare(source, SPEC)
    assert source.decoded == 0


def test_a_store_in_a_read_only_cache_is_used(monkeypatch):
    prepare(Numbers(), SPEC)

    def fail(*_, **__):
        raise AssertionError("wrote something")

    monkeypatch.setattr("zoo.data.store.write_store", fail)
    assert len(prepare(Numbers(), SPEC)) == 100


def test_what_killed_preparations_left_is_removed_after_a_day(cache):
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


class Wrong(Numbers):
    """Delivers whatever it is given."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def decode(self, item, spec):
        yield self.part


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Images(np.zeros((1, 4, 4, 1), np.float32), np.zeros(1, np.int64)), "delivered float32"),
        (Images(np.zeros((1, 4, 4, 2), np.uint8), np.zeros(1, np.int64)), r"shape \(1, 4, 4, 2\)"),
        (Images(np.zeros((4, 4, 1), np.uint8), np.zeros(1, np.int64)), r"shape \(4, 4, 1\)"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), np.full(1, 2)), "labels that do not fit"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), np.full(1, -1)), "labels that do not fit"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), None), "no label"),
    ],
)
def test_a_source_that_delivers_no_images_is_told_so(part, message, cache):
    with pytest.raises(DataError, match=message):
        prepare(Wrong(part), SPEC)
    assert list((cache / "prepared").iterdir()) == []


@pytest.mark.parametrize("spec", [DataSpec(2, 4, 4), DataSpec(1, 0, 4), DataSpec(3, 4, -1)])
def test_an_impossible_geometry_is_an_error(spec):
    with pytest.raises(DataError, match="cannot be prepared as"):
        prepare(Numbers(), spec)


def test_a_file_that_vanishes_while_it_is_read_is_an_error():
    class Vanishing(Numbers):
        def chunks(self):
            yield 0
            raise FileNotFoundError(2, "No such file", "numbers.bin")

    with pytest.raises(DataError, match=r"numbers cannot be read on.*numbers\.bin"):
        prepare(Vanishing(), SPEC)


def test_colour_becomes_grey_as_pillow_does_it():
    random = np.random.default_rng(0).integers(0, 256, (1, 9, 7, 3), np.uint8)

    class Noise(Numbers):
        def decode(self, item, spec):
            yield Images(random, np.zeros(1, np.int64))

    grey = prepare(Noise(count=1, channels=3, size=(9, 7)), DataSpec(1, 9, 7)).images[0, ..., 0]
    np.testing.assert_array_equal(grey, np.asarray(Image.fromarray(random[0]).convert("L")))


def test_releasing_keeps_the_images():
    store = prepare(Numbers(), SPEC)
    before = store.images.copy()
    store.release()
    np.testing.assert_array_equal(store.images, before)


def test_the_description_is_plain_json():
    meta = json.loads((prepare(Numbers(bad=(1,)), SPEC).directory / "meta.json").read_text())
    assert meta["shape"] == [99, 4, 4, 1]
    assert meta["skipped"] == [["1.png", "torn"]]
