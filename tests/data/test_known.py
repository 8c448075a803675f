"""Data by name: fetched once, held against its checksum, read like a person's own files."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes, read
from file_server import Answer, serving
from interpreter import alone
from made_up import CIFAR, IDX, IMAGES, LABELS, MADE_UP, NAMES, PHOTOGRAPHS, described
from messages import saying

from zoo.data import open_source, sources
from zoo.data.known import download as downloading
from zoo.data.known.catalogue import CATALOGUE
from zoo.data.known.fetch import fetch
from zoo.data.known.named import NAMED
from zoo.data.registry import absolute, is_missing
from zoo.errors import DataError


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(downloading, "PAUSE", 0)
    for name in ("ZOO_MIRROR", "ZOO_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(monkeypatch):
    """Serves the made-up files, which the catalogue knows and has at this server alone."""
    with serving() as state:
        for name, (known, contents) in MADE_UP.items():
            monkeypatch.setattr(sources()[name], "known", described(known, contents, f"{state.url}/{name}"))
            state.files |= {f"/{name}/{file}": Answer(content) for file, content in contents.items()}
        yield state


@pytest.fixture
def place(cache):
    return cache / "downloads" / "mnist"


def asked(server):
    return [path.rpartition("/")[2] for path, _ in server.asked]


# ---- the catalogue


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=CATALOGUE)
def test_every_entry_of_the_catalogue_is_whole(known):
    assert known.addresses
    assert all(re.match(r"https?://[^/]+(/[^/]+)*$", address) for address in [*known.addresses, known.page.rstrip("/")])
    for file in known.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size > 1000
        assert (file.archive is not None) == file.name.endswith(".tar.gz")
    assert len(known.class_names) in (0, 10)


def test_every_entry_of_the_catalogue_is_a_kind_of_data():
    assert {source.name: source.known for source in NAMED} == dict(CATALOGUE)
    assert {source.name for source in NAMED} < set(sources())


def test_asking_what_kinds_there_are_loads_nothing_for_the_network():
    alone(
        "from zoo.data.registry import sources; sources(); heavy('http.client', 'tarfile', 'huggingface_hub', 'pyarrow')"
    )


# ---- fetched and read


def test_mnist_is_fetched_and_read(server, place):
    source = open_source("mnist")
    pixels, labels = read(source)
    np.testing.assert_array_equal(pixels[..., 0], IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert source.title == "MNIST"
    assert source.class_names == [str(number) for number in range(10)]
    assert sorted(asked(server)) == sorted(IDX)
    assert {path.name for path in place.iterdir()} == {*IDX, ".lock"}


def test_what_is_here_is_not_fetched_again(server):
    open_source("mnist")
    server.asked.clear()
    open_source("mnist")
    assert server.asked == []


def test_a_persons_own_copy_shares_its_prepared_store(server, place):
    assert open_source("mnist").fingerprint() == open_source(str(place)).fingerprint()


def test_the_classes_of_fashion_mnist_have_names(server):
    source = open_source("fashion_mnist")
    assert source.class_names[7:] == ["Sneaker", "Bag", "Ankle boot"]
    assert source.fingerprint() != open_source("mnist").fingerprint()


def test_cifar_is_fetched_unpacked_and_read(server, cache):
    source = open_source("cifar10")
    pixels, labels = read(source)
    np.testing.assert_array_equal(pixels, PHOTOGRAPHS.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(labels, np.arange(20) % 10)
    assert (source.title, source.class_names, source.notes) == ("CIFAR-10", NAMES, ())
    server.asked.clear()
    open_source("cifar10")
    assert server.asked == []
    assert (cache / "downloads/cifar10/cifar-10-batches-bin/data_batch_1.bin").is_file()


def test_what_stands_beside_is_not_mixed_up(server, place):
    place.mkdir(parents=True)
    (place / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:3]))
    (place / "other-train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:3]))
    assert len(open_source("mnist")) == 40


def test_files_that_were_put_there_by_hand_are_taken(server, place):
    place.mkdir(parents=True)
    for name, content in IDX.items():
        (place / name).write_bytes(content)
    assert len(open_source("mnist")) == 40
    assert server.asked == []


def test_a_transfer_that_broke_off_is_gone_on_with_by_the_next_command(server, place, monkeypatch):
    images = IDX["train-images-idx3-ubyte.gz"]
    server.files["/mnist/train-images-idx3-ubyte.gz"] = [Answer(images, cut=9000), Answer(status=404)]
    with pytest.raises(DataError):
        open_source("mnist")
    assert (place / "train-images-idx3-ubyte.gz.part").stat().st_size == 9000
    server.files["/mnist/train-images-idx3-ubyte.gz"] = Answer(images)
    server.asked.clear()
    assert len(open_source("mnist")) == 40
    assert server.asked[0] == ("/mnist/train-images-idx3-ubyte.gz", "bytes=9000-")


# ---- what is wrong is said


def refused(server_or_none, *words):
    with pytest.raises(DataError) as caught:
        open_source("mnist")
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message
    return message


def test_without_a_network_it_says_what_to_put_where(server, place):
    server.files.clear()
    file = sources()["mnist"].known.files[0]
    refused(
        server,
        f"{server.url}/mnist/{file.name}: HTTP 404",
        file.sha256,
        f"put {file.name}",
        f"into {place}",
        "ZOO_MIRROR",
    )
    assert [path.name for path in place.iterdir()] == [".lock"]


def test_a_file_with_another_checksum_is_not_taken(server, place):
    images = IDX["train-images-idx3-ubyte.gz"]
    server.files["/mnist/train-images-idx3-ubyte.gz"] = Answer(bytes(len(images)))
    file = sources()["mnist"].known.files[0]
    refused(server, f"expected {file.sha256}", f"{server.url}/mnist/{file.name}", f"into {place}")
    assert [path.name for path in place.iterdir()] == [".lock"]


@pytest.mark.parametrize("content", [b"", b"half of it", bytes(len(IDX["train-images-idx3-ubyte.gz"]))])
def test_a_file_that_was_put_there_and_is_another_is_named_and_left(server, place, content):
    place.mkdir(parents=True)
    path = place / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    refused(server, f"{path} is not the file that was published", sources()["mnist"].known.files[0].sha256, "delete it")
    assert path.read_bytes() == content


def test_it_can_be_told_to_leave_the_network_alone(server, place, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    refused(server, "ZOO_OFFLINE is set", f"{server.url}/mnist/", f"into {place}")
    assert server.asked == []
    monkeypatch.setenv("ZOO_OFFLINE", "0")
    assert len(open_source("mnist")) == 40
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert len(open_source("mnist")) == 40


def test_a_mirror_is_asked_in_place_of_the_published_addresses(server, monkeypatch):
    with serving({f"/data/mnist/{name}": Answer(content) for name, content in IDX.items()}) as mirror:
        monkeypatch.setenv("ZOO_MIRROR", f"{mirror.url}/data/")
        assert len(open_source("mnist")) == 40
    assert server.asked == []
    assert sorted(asked(mirror)) == sorted(IDX)


def test_a_mirror_may_be_a_folder(server, tmp_path, monkeypatch):
    (tmp_path / "mirror" / "mnist").mkdir(parents=True)
    for name, content in IDX.items():
        (tmp_path / "mirror" / "mnist" / name).write_bytes(content)
    monkeypatch.setenv("ZOO_MIRROR", (tmp_path / "mirror").as_uri())
    assert len(open_source("mnist")) == 40


def test_a_mirror_that_is_no_address_is_refused(server, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", "mirror.example")
    refused(server, "ZOO_MIRROR=mirror.example is no address", "https://")


def test_a_cache_that_cannot_be_written_is_said(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    refused(server, "cannot be written", "ZOO_CACHE")


def test_a_damaged_archive_is_said_and_nothing_is_half_unpacked(server, cache, monkeypatch):
    known, _ = MADE_UP["cifar10"]
    content = {name: data[:-3000] for name, data in CIFAR.items()}
    monkeypatch.setattr(sources()["cifar10"], "known", described(known, content, f"{server.url}/cifar10"))
    server.files["/cifar10/cifar-10-binary.tar.gz"] = Answer(content["cifar-10-binary.tar.gz"])
    with pytest.raises(DataError, match=saying("cifar-10-binary.tar.gz is damaged")):
        open_source("cifar10")
    assert {path.name for path in (cache / "downloads/cifar10").iterdir()} == {".lock", "cifar-10-binary.tar.gz"}


@pytest.mark.parametrize("location", ["mnist:3", "cifar10:./here"])
def test_a_name_takes_no_location(location):
    with pytest.raises(DataError, match=saying("fetched by its name alone")):
        open_source(location)


# ---- names and paths


def test_a_folder_of_that_name_is_meant_by_a_path(server, tmp_path, write_idx, digits_like, caplog, monkeypatch):
    path = write_idx()
    (tmp_path / "mnist").mkdir()
    path.rename(tmp_path / "mnist" / path.name)
    monkeypatch.chdir(tmp_path)
    assert len(open_source("./mnist")) == len(open_source("mnist/")) == 20
    with caplog.at_level(logging.INFO, "zoo"):
        assert len(open_source("mnist")) == 40
    assert "--data mnist is the data of that name; write ./mnist for what is called so here" in caplog.messages


def test_a_run_remembers_the_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "name").mkdir()
    assert absolute("mnist") == "mnist"
    assert absolute("hf:user/name") == "hf:user/name"
    assert not is_missing("mnist")
    assert not is_missing("hf:/user/name")


# ---- several at once


def test_two_threads_that_want_the_same_fetch_it_once(server):
    known = sources()["mnist"].known
    server.files["/mnist/train-images-idx3-ubyte.gz"].before = lambda: time.sleep(0.3)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(known))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert sorted(asked(server)) == sorted(IDX)


FETCHING = """
import sys
from made_up import MADE_UP, described
from zoo.data.known.fetch import fetch
known, contents = MADE_UP["mnist"]
print(fetch(described(known, contents, sys.argv[1])))
"""


def process(server):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", FETCHING, f"{server.url}/mnist"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_that_want_the_same_fetch_it_once(server, place):
    both = [process(server), process(server)]
    outputs = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert {output.strip() for output, _ in outputs} == {str(place / "train-images-idx3-ubyte.gz")}
    assert sorted(asked(server)) == sorted(IDX)


def test_a_process_that_is_killed_leaves_a_part_and_no_lock(server, place):
    images = IDX["train-images-idx3-ubyte.gz"]
    reached, over = threading.Event(), threading.Event()

    def hold():
        reached.set()
        over.wait(120)

    server.files["/mnist/train-images-idx3-ubyte.gz"] = Answer(images, cut=8192, between=hold)
    one = process(server)
    assert reached.wait(120)
    part = place / "train-images-idx3-ubyte.gz.part"
    while one.poll() is None and not (part.exists() and part.stat().st_size == 8192):
        time.sleep(0.02)
    one.kill()
    one.communicate()
    over.set()
    server.files["/mnist/train-images-idx3-ubyte.gz"] = Answer(images)
    server.asked.clear()
    assert len(open_source("mnist")) == 40
    assert server.asked[0] == ("/mnist/train-images-idx3-ubyte.gz", "bytes=8192-")
