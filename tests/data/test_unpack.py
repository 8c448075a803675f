"""CIFAR's archive, and those that want something else."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from made_up import CIFAR, cifar_members, packed
from messages import saying

from zoo.data.known.catalogue import CIFAR10
from zoo.data.known.unpack import unpack
from zoo.errors import DataError

ARCHIVE = CIFAR10.files[0].archive
FOLDER = "cifar-10-batches-bin"


@pytest.fixture
def place(tmp_path):
    below = tmp_path / "downloads" / "cifar10"
    below.mkdir(parents=True)
    return below / "a.tar.gz"


def nothing_else(place):
    return sorted(str(path.relative_to(place.parents[2])) for path in place.parents[2].rglob("*") if path.is_file())


def refused(place, content, words):
    place.write_bytes(content)
    with pytest.raises(DataError, match=saying(words)):
        unpack(place, ARCHIVE)
    assert nothing_else(place) == ["downloads/cifar10/a.tar.gz"]
    assert [path.name for path in place.parent.iterdir()] == ["a.tar.gz"]


def test_the_files_that_are_wanted_come_out_and_no_other(place):
    place.write_bytes(CIFAR["cifar-10-binary.tar.gz"])
    unpack(place, ARCHIVE)
    assert {path.name for path in (place.parent / FOLDER).iterdir()} == set(ARCHIVE.members)
    assert (place.parent / FOLDER / "data_batch_2.bin").read_bytes() == cifar_members()[f"{FOLDER}/data_batch_2.bin"]


def test_names_that_lead_elsewhere_are_passed_over(place):
    evil = {
        "../evil.txt": b"x",
        "/tmp/zoo-evil.txt": b"x",
        f"{FOLDER}/../../evil.txt": b"x",
        f"{FOLDER}/../{FOLDER}/data_batch_1.bin": b"x",
    }
    away = tarfile.TarInfo(f"{FOLDER}/away")
    away.type, away.linkname = tarfile.SYMTYPE, "/"
    place.write_bytes(packed({**evil, **cifar_members()}, away))
    unpack(place, ARCHIVE)
    assert nothing_else(place) == sorted(
        ["downloads/cifar10/a.tar.gz", *(f"downloads/cifar10/{name}" for name in cifar_members())]
    )
    assert (place.parent / FOLDER / "data_batch_1.bin").read_bytes() != b"x"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_member_that_is_no_file_is_refused(place, kind):
    member = tarfile.TarInfo(f"{FOLDER}/data_batch_1.bin")
    member.type, member.linkname = kind, "/etc/passwd"
    members = {name: content for name, content in cifar_members().items() if "data_batch_1" not in name}
    refused(place, packed(members, member), "data_batch_1.bin is no plain file")


def test_a_member_that_is_there_twice_is_refused(place):
    twice = tarfile.TarInfo(f"./{FOLDER}/data_batch_1.bin")
    refused(place, packed(cifar_members(), twice), "data_batch_1.bin is there twice")


def test_a_member_that_is_missing_is_named(place):
    members = {name: content for name, content in cifar_members().items() if "_3" not in name}
    refused(place, packed(members), "lacks data_batch_3.bin")


def test_a_member_that_is_too_large_is_refused(place):
    members = {**cifar_members(), f"{FOLDER}/batches.meta.txt": bytes(70_000)}
    refused(place, packed(members), "batches.meta.txt has 70,000 bytes, 65,536 at most are expected")


def test_a_bomb_is_refused_before_it_is_read(place):
    member = tarfile.TarInfo(f"{FOLDER}/readme.html")
    member.size = 1 << 40
    header = io.BytesIO()
    header.write(member.tobuf(tarfile.GNU_FORMAT))
    refused(place, gzip.compress(header.getvalue() + bytes(100_000)), "holds more than it should")


@pytest.mark.parametrize("cut", [0, 1, 500, -2000])
def test_an_archive_that_is_cut_off_is_refused(place, cut):
    refused(place, CIFAR["cifar-10-binary.tar.gz"][:cut], "damaged")


def test_what_is_no_archive_is_refused(place):
    refused(place, b"<html>not here</html>" * 100, "damaged")
    refused(place, gzip.compress(b"only this" * 1000), "damaged")
