"""Archives, tables and databases that are damaged or meant to harm: one message, nothing half-written, nothing outside."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from messages import saying
from zoo_of_files import SITUATIONS, noise, png, put

from zoo.data import DataSpec, open_source, prepare
from zoo.data.pictures import archive, container
from zoo.errors import DataError

NAMES = ["zip-archive", "a-zip-packed-with-lzma", "tar-archive", "packed-tar-archive", "parquet-file", "lmdb-database"]
NAMES += ["hdf5-file"]
KINDS = {"a": "zip", "packed": "tar", "hdf5": "arrays"}


def build(folder: Path, name: str) -> Path:
    """One of the zoo's archives."""
    if SITUATIONS[name].needs:
        pytest.importorskip(SITUATIONS[name].needs)
    return Path(str(SITUATIONS[name].build(folder)))


def file_of(path: Path) -> Path:
    return path / "data.mdb" if path.is_dir() else path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "cut in the middle"])
def test_a_damaged_archive_is_one_message_that_names_it(tmp_path, cache, name, damage):
    path = build(tmp_path, name)
    content = file_of(path).read_bytes()
    file_of(path).write_bytes(
        {
            "cut": content[:-100] if name != "tar-archive" else content[:3000],
            "empty": b"",
            "text": b"this is no archive at all, but a text that somebody has renamed",
            "cut in the middle": content[: len(content) // 2],
        }[damage]
    )
    kind = name.split("-")[0]
    kind = KINDS.get(kind, kind)
    with pytest.raises(DataError) as raised:
        prepare(open_source(f"{kind}:{path}"), DataSpec(3, 16, 16))
    assert path.name in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list((cache / "prepared").glob("*")) == []


def test_an_encrypted_archive_says_so(tmp_path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.png", png())
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.find(signature) + at] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=saying("is encrypted; unpack it with its password")):
        open_source(str(path))


def test_names_that_lead_outside_lead_nowhere(tmp_path):
    for kind in ("zip", "tar"):
        folder = tmp_path / kind / "deep"
        folder.mkdir(parents=True)
        path = folder / f"slip.{kind}"
        names = ["../../outside.png", "/tmp/zoo-outside.png", "fine.png"]
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as file:
                for name in names:
                    file.writestr(name, png())
        else:
            with tarfile.open(path, "w") as file:
                for name in names:
                    info = tarfile.TarInfo(name)
                    info.size = len(png())
                    file.addfile(info, io.BytesIO(png()))
        assert len(prepare(open_source(str(path)), DataSpec(3, 16, 16))) == 3
        assert [found.name for found in (tmp_path / kind).rglob("*.png")] == []
        assert not Path("/tmp/zoo-outside.png").exists()


def test_a_bomb_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_BOMB", 1 << 16)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.png", b"\0" * (64 << 20))
        file.writestr("fine.png", png())
    store = prepare(open_source(str(path)), DataSpec(3, 16, 16))
    assert len(store) == 1
    ((name, reason),) = store.skipped
    assert name == "bomb.png"
    assert "unpack to 67,108,864, as no picture does" in reason


def test_a_member_that_is_too_large_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 2000)
    large = io.BytesIO()
    noise(1, (64, 64)).save(large, "PNG")
    for kind in ("zip", "tar"):
        path = tmp_path / f"large.{kind}"
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("large.png", large.getvalue())
                file.writestr("fine.png", png())
        else:
            with tarfile.open(path, "w") as file:
                for name, content in (("large.png", large.getvalue()), ("fine.png", png())):
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    file.addfile(info, io.BytesIO(content))
        assert container.LARGEST == 256 << 20
        store = prepare(open_source(str(path)), DataSpec(3, 16, 16))
        assert len(store) == 1
        assert "at most 2,000 are read" in store.skipped[0].reason


def test_a_size_that_lies_makes_one_picture_unreadable(tmp_path):
    """A member that claims to be smaller than it is."""
    path = tmp_path / "lies.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", png())
        file.writestr("b.png", png(1))
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\1\2")
    content[entry + 24 : entry + 28] = struct.pack("<I", 100)
    path.write_bytes(content)
    store = prepare(open_source(str(path)), DataSpec(3, 16, 16))
    assert len(store) == 1
    assert [name for name, _ in store.skipped] == ["a.png"]


def test_names_that_come_twice_count_once(tmp_path):
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as file:
        for number in range(3):
            info = tarfile.TarInfo("a.png")
            info.size = len(png(number))
            file.addfile(info, io.BytesIO(png(number)))
    source = open_source(str(path))
    assert len(source) == 1
    assert "2 files of names that are there already (a.png, a.png)" in source.unused


def test_links_and_devices_in_a_tar_are_not_followed(tmp_path):
    put(tmp_path / "victim.png")
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as file:
        for name, kind, target in (
            ("a.png", tarfile.SYMTYPE, str(tmp_path / "victim.png")),
            ("b.png", tarfile.LNKTYPE, "../victim.png"),
            ("c.png", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            file.addfile(info)
        info = tarfile.TarInfo("fine.png")
        info.size = len(png())
        file.addfile(info, io.BytesIO(png()))
    source = open_source(str(path))
    assert len(prepare(source, DataSpec(3, 16, 16))) == 1
    assert "3 members that are no files (a.png, b.png, c.png)" in source.unused


def test_an_archive_without_pictures_says_what_it_holds(tmp_path):
    path = tmp_path / "none.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "x")
        file.writestr("inner.zip", "x")
    with pytest.raises(
        DataError, match=saying("holds no pictures", "1 other file (a.txt)", "1 archive within (inner.zip)")
    ):
        open_source(str(path))


def test_an_archive_that_shrinks_while_it_is_read_is_a_message(tmp_path):
    path = build(tmp_path, "packed-tar-archive")
    source = open_source(str(path))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=saying("pets.tar.gz")):
        prepare(source, DataSpec(3, 16, 16))


def test_a_parquet_file_without_images_names_its_columns(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": ["a"], "n": [1]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=saying("has no column of images; it has text (string), n (int64)")):
        open_source(str(tmp_path / "t.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("dataset.json", b"[1, 2", "as a dataset.json of StyleGAN does; mend or remove it"),
        ("dataset.json", b'{"labels": [1, 2]}', "no list of [file, label]"),
        ("labels.csv", b"", "is empty; remove it"),
        ("labels.csv", b"file,label\na.png\n", "entry 1 has no label"),
        ("labels.csv", b"\xff\xfe\0x", "is not text in UTF-8"),
        ("labels.csv", b"a,b,c\n1,2,3\n", "has 3 columns and no line of their names"),
        ("labels.jsonl", b"{\n", "line 1 is no JSON object"),
        ("labels.jsonl", b'{"label": 1}\n', "has no column of file names"),
        ("labels.npy", b"x", "labels.npy cannot be read"),
        (
            "labels.npy",
            b"\x93NUMPY\1\0v\0"
            + b"{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117)
            + b"\n",
            "bytes are there",
        ),
    ],
)
def test_a_damaged_label_file_is_named(tmp_path, name, content, says):
    put(tmp_path / "a.png")
    put(tmp_path / "b.png")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=saying(name, says)):
        open_source(str(tmp_path))


def test_labels_of_other_files_are_not_used(tmp_path):
    put(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,label\nx.png,1\ny.png,2\n")
    source = open_source(str(tmp_path))
    assert source.classes == 0
    assert "labels.csv names none of these pictures, and is not used" in source.notes


def test_an_hdf5_file_that_says_to_hold_far_more_than_it_does(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("images", (1_000_000, 4096, 4096), "uint8", chunks=True)
    with pytest.raises(DataError, match=saying("0 bytes that say to be 16,777,216,000,000")):
        open_source(str(tmp_path / "bomb.h5"))


@pytest.mark.parametrize("empty", ["nothing", "of numbers of many lengths"])
def test_an_hdf5_array_of_no_images_is_refused(tmp_path, empty):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        if empty == "nothing":
            file["images"] = h5py.Empty("uint8")
        else:
            file.create_dataset("images", (3, 4, 4), dtype=h5py.vlen_dtype("int32"))
    with pytest.raises(DataError, match=r"odd.h5, array 'images'"):
        open_source(str(tmp_path / "odd.h5"))


def test_two_may_read_one_lmdb_database_in_a_process(tmp_path):
    location = str(build(tmp_path, "lmdb-database"))
    one, other = open_source(location), open_source(location)
    assert one.fingerprint() == other.fingerprint()
    assert len(prepare(other, DataSpec(3, 16, 16))) == 3


def test_what_is_known_of_some_shards_is_not_taken_for_others(tmp_path):
    pytest.importorskip("pyarrow")
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for shard in range(3):
        table = pyarrow.table({"image": pyarrow.array([png(10 * shard + row) for row in range(2 + shard)])})
        parquet.write_table(table, tmp_path / f"part-{shard}.parquet")
        os.utime(tmp_path / f"part-{shard}.parquet", (1_500_000_000, 1_500_000_000))
    alone = open_source(str(tmp_path / "part-{1..2}.parquet")).fingerprint()
    open_source(str(tmp_path)).fingerprint()
    assert open_source(str(tmp_path / "part-{1..2}.parquet")).fingerprint() == alone


def test_a_tar_archive_that_ends_within_a_label_is_one_message(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in (("1.png", png(1)), ("1.cls", b"c" * 3000)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"ccc") + 100])
    with pytest.raises(DataError, match=saying("a.tar", "no whole tar archive")):
        open_source(str(path))
