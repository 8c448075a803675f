"""Folders of pictures: bad files are named and skipped, subfolders are classes, nothing is read twice."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from data_files import SIZE, flat, images_of, old
from messages import assert_says, saying
from PIL import Image
from zoo_of_files import put

from zoo.data import DataSource, DataSpec, Images, open_source, prepare
from zoo.data.formats import picture
from zoo.errors import DataError


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_a_one_pixel_picture_is_named_and_skipped(tmp_path, size):
    flat(tmp_path / "fine.png")
    flat(tmp_path / "dot.png", size=size)
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert len(store) == 1
    assert store.skipped == [("dot.png", f"{size[0]}×{size[1]} pixels; each side must be at least 2")]


def broken_pictures(folder: Path) -> list[str]:
    """Files of many kinds of damage beside one good picture; returns the names of the bad ones."""
    flat(folder / "good.png")
    whole = (flat(folder / "long.png", size=(200, 200))).read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise.jpg")
    jpeg = (folder / "noise.jpg").read_bytes()
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = whole[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + whole[33:]
    bad = {
        "empty.png": b"",
        "text.jpg": b"this is not a picture",
        "cut.png": whole[: len(whole) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "header.png": whole[:20],
        "bomb.png": bomb,
    }
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (folder / "long.png").unlink()
    (folder / "noise.jpg").unlink()
    return sorted(bad)


def test_bad_files_are_named_counted_and_skipped(tmp_path, caplog):
    bad = broken_pictures(tmp_path)
    with caplog.at_level("INFO", "zoo.data"):
        store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert len(store) == 1
    assert [name for name, _ in store.skipped] == bad
    (line,) = [line for line in caplog.messages if "6 of 7 images" in line]
    assert_says(line, "skipped", "bomb.png (far more pixels")


def test_a_picture_over_the_pixel_limit_is_skipped_and_not_warned_about(tmp_path, monkeypatch):
    monkeypatch.setattr(picture.Image, "MAX_IMAGE_PIXELS", 300)
    flat(tmp_path / "large.png", size=(20, 20))
    flat(tmp_path / "small.png")
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert store.skipped == [("large.png", "20×20 pixels; at most 300 are decoded")]


def test_strict_stops_at_a_bad_file_also_when_the_store_is_there(tmp_path, cache):
    broken_pictures(tmp_path)
    source = open_source(str(tmp_path))
    with pytest.raises(DataError, match=r"^bomb.png cannot be read.*--strict"):
        prepare(source, DataSpec(3, SIZE, SIZE), strict=True)
    assert list((cache / "prepared").iterdir()) == []
    prepare(source, DataSpec(3, SIZE, SIZE))
    with pytest.raises(DataError, match=r"^bomb.png cannot be read.*--strict"):
        prepare(source, DataSpec(3, SIZE, SIZE), strict=True)


def test_a_missing_empty_or_unreadable_folder_is_an_error_that_names_it(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing to see")
    with pytest.raises(DataError, match=r"empty holds no pictures \(files such as \.png"):
        open_source(str(empty))
    with pytest.raises(DataError, match="does not exist"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(DataError, match="there is no folder"):
        open_source(f"folder:{tmp_path / 'missing'}")
    (empty / "a.png").write_bytes(b"x")
    (empty / "b.png").write_bytes(b"x")
    with pytest.raises(DataError, match=saying("not one of its 2 pictures", "a.png (not a picture")):
        open_source(str(empty))


def test_pictures_that_all_turn_out_damaged_are_an_error(tmp_path):
    whole = flat(tmp_path / "a.png", size=(200, 200)).read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-80])
    with pytest.raises(DataError, match="not one image can be read"):
        prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))


def test_a_single_picture_is_refused_with_advice(tmp_path):
    with pytest.raises(DataError, match="single file; give the folder"):
        open_source(str(flat(tmp_path / "a.png")))


def test_hidden_and_other_files_are_ignored_and_the_order_is_that_of_the_paths(tmp_path):
    for place, name in enumerate(["b.png", "a/z.PNG", "c/d/e.png", ".hidden.png", ".git/x.png", "._b.png"]):
        flat(tmp_path / name, (place * 40, 0, 0))
    (tmp_path / "readme.md").write_text("x")
    images = images_of(tmp_path)
    assert (images[:, 0, 0, 0] // 40).tolist() == [1, 2], "b.png lies beside the folders of two classes"


def test_immediate_subfolders_are_the_classes(tmp_path):
    for name in ("dog/1.png", "cat/1.png", "cat/2.png"):
        flat(tmp_path / name)
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert store.class_names == ["cat", "dog"]
    assert store.labels.tolist() == [0, 0, 1]


def test_labels_stay_with_their_images_when_some_are_skipped(tmp_path):
    for name in ("cat/1.png", "cat/3.png", "dog/1.png"):
        flat(tmp_path / name)
    (tmp_path / "cat/2.png").write_bytes(b"x")
    assert prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE)).labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["1.png", "2.png"], ""),
        (["one/1.png", "one/2.png"], "one folder alone, one, makes no classes"),
        (["1.png", "2.png", "3.png", "a/1.png", "b/1.png"], "3 pictures lie beside the subfolders, and 2 in them"),
        (["00000/img00.png", "00001/img01.png"], "the folders 00000 to 00001 are shards"),
    ],
)
def test_any_other_layout_is_unlabelled_and_says_why(tmp_path, names, why):
    for name in names:
        flat(tmp_path / name)
    source = open_source(str(tmp_path))
    assert source.classes == 0
    assert len(source) == len(names)
    assert why in source.why_unlabelled
    assert bool(source.notes) == bool(why)


def test_images_are_grey_only_when_all_are(tmp_path):
    flat(tmp_path / "a.png", 90, mode="L")
    image = Image.new("P", (SIZE, SIZE), 1)
    image.putpalette([0, 0, 0, 77, 77, 77])
    image.save(tmp_path / "b.png")
    assert open_source(str(tmp_path)).channels == 1
    flat(tmp_path / "c.png")
    assert open_source(str(tmp_path)).channels == 3
    images = images_of(tmp_path)
    assert images[:, 0, 0].tolist() == [[90] * 3, [77] * 3, [200, 30, 30]]


def test_one_size_is_known_and_mixed_sizes_are_not(tmp_path):
    flat(tmp_path / "a.png", size=(20, 10))
    source = open_source(str(tmp_path))
    assert (source.width, source.height) == (20, 10)
    flat(tmp_path / "b.png", size=(20, 11))
    source = open_source(str(tmp_path))
    assert (source.width, source.height) == (None, None)


def test_an_unchanged_folder_is_not_read_again(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        flat(tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"x")
    old(tmp_path / "bad.png")
    first = open_source(str(tmp_path)).fingerprint()

    def never(*_):
        raise AssertionError("read again")

    monkeypatch.setattr("zoo.data.pictures.index.read_header", never)
    monkeypatch.setattr("zoo.data.pictures.index.hash_bytes_of", never)
    assert open_source(str(tmp_path)).fingerprint() == first


def test_an_edited_added_renamed_or_removed_file_changes_the_fingerprint(tmp_path):
    flat(tmp_path / "a.png")
    flat(tmp_path / "b.png")
    seen = [open_source(str(tmp_path)).fingerprint()]
    flat(tmp_path / "a.png", (1, 2, 3))
    os.utime(tmp_path / "a.png", (1_600_000_000, 1_600_000_000))
    seen.append(open_source(str(tmp_path)).fingerprint())
    flat(tmp_path / "c.png")
    seen.append(open_source(str(tmp_path)).fingerprint())
    (tmp_path / "c.png").rename(tmp_path / "d.png")
    seen.append(open_source(str(tmp_path)).fingerprint())
    (tmp_path / "b.png").unlink()
    seen.append(open_source(str(tmp_path)).fingerprint())
    assert len(set(seen)) == len(seen)


def test_a_file_edited_in_the_same_instant_is_noticed(tmp_path):
    """Same size, same time, other content: only a file that has been left alone for a while is trusted."""
    path = tmp_path / "a.bmp"
    Image.new("RGB", (SIZE, SIZE), "red").save(path)
    stat = path.stat()
    first = open_source(str(tmp_path)).fingerprint()
    Image.new("RGB", (SIZE, SIZE), "blue").save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert open_source(str(tmp_path)).fingerprint() != first


def test_links_are_followed_but_not_in_circles(tmp_path):
    flat(tmp_path / "elsewhere/a.png")
    folder = tmp_path / "photos"
    folder.mkdir()
    try:
        (folder / "linked").symlink_to(tmp_path / "elsewhere")
        (folder / "circle").symlink_to(folder)
    except OSError:
        pytest.skip("this system cannot make symbolic links")
    assert len(open_source(str(folder))) == 1


def test_names_that_are_not_utf8_do_not_disturb(tmp_path):
    try:
        flat(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")))
    except (OSError, ValueError):
        pytest.skip("this file system wants UTF-8")
    (tmp_path / "a.png").write_bytes(b"x")
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert (len(store), len(store.skipped)) == (1, 1)


@pytest.mark.parametrize("how", ["crop", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("modes", [("L", "1"), ("RGB", "L", "P", "RGBA")], ids=str)
def test_the_shorter_way_to_stored_images_gives_the_same_bytes(tmp_path, modes, channels, how):
    random = np.random.default_rng(0)
    for number, size in enumerate([(40, 90), (90, 40), (SIZE, SIZE), (5, 7), (700, 500)]):
        picture = Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8))
        for mode in modes:
            picture.convert(mode).save(tmp_path / f"{number}-{mode}.png")
        if "RGB" in modes:
            picture.save(tmp_path / f"{number}.jpg", quality=90)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    source = open_source(str(tmp_path))
    spec = DataSpec(channels, SIZE, SIZE)
    for item in source.chunks():
        short, long = list(source.fitted(item, spec, how)), list(DataSource.fitted(source, item, spec, how))
        assert len(short) == len(long)
        for one, other in zip(short, long, strict=True):
            assert type(one) is type(other)
            if isinstance(one, Images):
                assert one.pixels.shape == (1, *spec.shape[1:], channels)
                np.testing.assert_array_equal(one.pixels, other.pixels)
            else:
                assert one == other


def test_files_that_are_read_at_once_and_files_that_are_read_twice_are_known_alike(tmp_path, monkeypatch):
    broken_pictures(tmp_path / "photos")
    sources = []
    for limit in (0, 1 << 20):
        monkeypatch.setattr("zoo.data.pictures.index._SMALL", limit)
        monkeypatch.setenv("ZOO_CACHE", str(tmp_path / f"cache-{limit}"))
        sources.append(open_source(str(tmp_path / "photos")))
    assert sources[0].fingerprint() == sources[1].fingerprint()
    assert sources[0]._index.entries == sources[1]._index.entries


def test_a_note_that_is_damaged_is_forgotten(tmp_path, cache):
    for number in range(2):
        put(tmp_path / f"{number}.png")
        os.utime(tmp_path / f"{number}.png", (1_500_000_000, 1_500_000_000))
    before = open_source(str(tmp_path)).fingerprint()
    (note,) = (cache / "known").glob("pictures-*")
    whole = json.loads(note.read_text())
    for place, value in ((0, {}), (4, [1]), (4, -3), (5, 1 << 40), (6, "no"), (12, 7)):
        rows = [list(row) for row in whole["entries"]]
        rows[0][place] = value
        note.write_text(json.dumps({**whole, "entries": rows}))
        assert open_source(str(tmp_path)).fingerprint() == before


def test_a_picture_beside_folders_within_each_other_is_used_with_theirs(tmp_path):
    for name in ("0.png", "dog/small/1.png", "dog/small/2.png"):
        put(tmp_path / name)
    source = open_source(str(tmp_path))
    assert len(source) == 3
    assert "small" in source.why_unlabelled
