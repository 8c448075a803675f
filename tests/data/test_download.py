"""One file from the network, from servers with and without manners."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading

import pytest
from file_server import Answer, serving

from zoo.data.known import download as module
from zoo.data.known.catalogue import File
from zoo.data.known.download import UnavailableError, download
from zoo.errors import DataError

CONTENT = bytes(range(256)) * 1000
FILE = File("a.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)


@pytest.fixture
def server():
    with serving() as state:
        yield state


@pytest.fixture
def place(tmp_path):
    return tmp_path / "a.gz"


def left(place):
    return sorted(path.name for path in place.parent.iterdir())


def ranges(server):
    return [asked for _, asked in server.asked]


def fetch(server, place, *paths):
    download(FILE, [f"{server.url}{path}" for path in paths or ("/a.gz",)], place)
    assert place.read_bytes() == CONTENT
    assert left(place) == ["a.gz"]


def refused(server, place, *words, paths=("/a.gz",)):
    with pytest.raises(UnavailableError) as caught:
        download(FILE, [f"{server.url}{path}" for path in paths], place)
    assert [word for word in words if word not in str(caught.value)] == []
    assert not place.exists()


def test_a_file_is_brought_whole(server, place):
    server.files["/a.gz"] = Answer(CONTENT)
    fetch(server, place)
    assert ranges(server) == [None]


def test_a_transfer_that_is_cut_off_is_gone_on_with(server, place):
    server.files["/a.gz"] = Answer(CONTENT, cut=100_000)
    fetch(server, place)
    assert ranges(server) == [None, "bytes=100000-", "bytes=200000-"]


def test_a_part_from_an_earlier_time_is_gone_on_with(server, place):
    server.files["/a.gz"] = Answer(CONTENT)
    place.with_name("a.gz.part").write_bytes(CONTENT[:1234])
    fetch(server, place)
    assert ranges(server) == ["bytes=1234-"]


def test_a_part_that_is_whole_is_only_checked(server, place):
    place.with_name("a.gz.part").write_bytes(CONTENT)
    fetch(server, place)
    assert server.asked == []


def test_a_server_without_ranges_begins_anew(server, place):
    server.files["/a.gz"] = [Answer(CONTENT, ranges=False, cut=70_000), Answer(CONTENT, ranges=False)]
    fetch(server, place)
    assert ranges(server) == [None, "bytes=70000-"]


@pytest.mark.parametrize("stale", [b"x" * 5000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_part_of_something_else_is_thrown_away(server, place, stale):
    server.files["/a.gz"] = Answer(CONTENT)
    place.with_name("a.gz.part").write_bytes(stale)
    fetch(server, place)


def test_an_answer_without_a_length_is_read_to_its_end(server, place):
    server.files["/a.gz"] = Answer(CONTENT, length=False)
    fetch(server, place)


def test_another_part_than_was_asked_for_is_refused(server, place):
    server.files["/a.gz"] = Answer(CONTENT, status=206, headers={"Content-Range": f"bytes 7-9/{len(CONTENT)}"})
    refused(server, place, "another part")


def test_a_wrong_checksum_is_never_taken(server, place):
    wrong = b"y" * len(CONTENT)
    server.files["/a.gz"] = Answer(wrong)
    refused(server, place, "/a.gz: SHA-256 " + hashlib.sha256(wrong).hexdigest(), f"expected {FILE.sha256}")
    assert left(place) == []


@pytest.mark.parametrize("content", [b"<html>log in to this network</html>", CONTENT + b"!", b""])
def test_a_wrong_size_is_refused_before_anything_is_read(server, place, content):
    server.files["/a.gz"] = Answer(content)
    refused(server, place, f"{len(content):,} bytes, expected 256,000")
    assert left(place) == []


def test_no_more_is_read_than_the_file_should_have(server, place):
    server.files["/a.gz"] = Answer(CONTENT + bytes(50_000_000), length=False)
    refused(server, place, "more than the 256,000 bytes")
    assert sum(path.stat().st_size for path in place.parent.iterdir()) == 0


def test_where_one_address_lacks_the_file_the_next_has_it(server, place):
    server.files["/there.gz"] = Answer(CONTENT)
    fetch(server, place, "/not-there.gz", "/there.gz")


def test_a_part_goes_on_from_another_address(server, place):
    server.files["/a.gz"] = [Answer(CONTENT, cut=50_000), Answer(status=404)]
    server.files["/b.gz"] = Answer(CONTENT)
    fetch(server, place, "/a.gz", "/b.gz")
    assert ranges(server) == [None, "bytes=50000-", "bytes=50000-"]


def test_what_is_wrong_with_each_address_is_said(server, place):
    server.files["/private.gz"] = Answer(status=403)
    refused(server, place, "/gone.gz: HTTP 404", "/private.gz: HTTP 403", paths=("/gone.gz", "/private.gz"))


def test_a_server_that_puts_off_is_asked_again_and_not_for_ever(server, place):
    server.files["/a.gz"] = [Answer(status=503), Answer(status=429), Answer(CONTENT)]
    fetch(server, place)
    place.unlink()
    server.files["/a.gz"] = Answer(status=503)
    server.asked.clear()
    refused(server, place, "HTTP 503", "3 times")
    assert len(server.asked) == 3


def test_a_server_that_always_cuts_at_once_is_given_up(server, place):
    server.files["/a.gz"] = Answer(CONTENT, cut=0)
    refused(server, place, "the connection ended after 0 of 256,000 bytes, 3 times")


@pytest.fixture
def silence(monkeypatch):
    """What a server waits for that never comes, until the test is over."""
    over = threading.Event()
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    yield lambda: over.wait(60)
    over.set()


def test_a_server_that_falls_silent_is_asked_for_the_rest(server, place, silence):
    server.files["/a.gz"] = [Answer(CONTENT, cut=65_536, between=silence), Answer(CONTENT)]
    fetch(server, place)
    assert ranges(server) == [None, "bytes=65536-"]


def test_a_server_that_stays_silent_is_given_up_and_what_came_is_kept(server, place, silence):
    server.files["/a.gz"] = [Answer(CONTENT, cut=65_536, between=silence), Answer(CONTENT, cut=0, between=silence)]
    refused(server, place, "no answer in time, 3 times")
    assert place.with_name("a.gz.part").read_bytes() == CONTENT[:65_536]


def test_a_server_that_takes_the_question_and_never_answers_is_given_up(server, place, silence):
    server.files["/a.gz"] = Answer(CONTENT, before=silence)
    refused(server, place, "no answer in time, 3 times")


def test_nobody_listening_is_said(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/a.gz"
        with pytest.raises(UnavailableError, match="refused"):
            download(FILE, [address], place)


def test_a_name_that_nobody_knows_is_said(place, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnavailableError, match=r"its name is not found \(offline\?\)"):
        download(FILE, ["http://data.example/a.gz"], place)


def test_a_proxy_of_the_environment_is_used(server, place, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.files["http://data.example/a.gz"] = Answer(CONTENT)
    download(FILE, ["http://data.example/a.gz"], place)
    assert place.read_bytes() == CONTENT


def test_ctrl_c_leaves_a_part_that_is_gone_on_with(server, place, monkeypatch):
    server.files["/a.gz"] = Answer(CONTENT)
    real, came = module._read, 0

    def read(answer, most):
        nonlocal came
        if came >= 100_000:
            raise KeyboardInterrupt
        piece = real(answer, most)
        came += len(piece)
        return piece

    monkeypatch.setattr(module, "_read", read)
    with pytest.raises(KeyboardInterrupt):
        download(FILE, [f"{server.url}/a.gz"], place)
    assert left(place) == ["a.gz.part"]
    monkeypatch.setattr(module, "_read", real)
    fetch(server, place)
    assert ranges(server) == [None, f"bytes={came}-"]


def test_a_place_that_cannot_be_written_is_said(server, tmp_path):
    server.files["/a.gz"] = Answer(CONTENT)
    with pytest.raises(DataError, match=r"cannot be written.*ZOO_CACHE"):
        download(FILE, [f"{server.url}/a.gz"], tmp_path / "nowhere" / "a.gz")


def test_a_disk_that_is_full_is_said_and_what_came_is_kept(server, place):
    resource = pytest.importorskip("resource", reason="no limits for the sizes of files here")
    server.files["/a.gz"] = Answer(CONTENT)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, former[1]))
    try:
        with pytest.raises(DataError, match=r"a\.gz\.part cannot be written.*ZOO_CACHE"):
            download(FILE, [f"{server.url}/a.gz"], place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert place.with_name("a.gz.part").stat().st_size == 100_000
    fetch(server, place)


def test_what_is_downloaded_and_from_where_is_told(server, place, caplog):
    server.files["/a.gz"] = Answer(CONTENT, cut=100_000)
    with caplog.at_level(logging.INFO, "zoo"):
        fetch(server, place)
    assert caplog.messages[0] == f"downloading {server.url}/a.gz (256 KB)"
    assert caplog.messages[1] == f"downloading {server.url}/a.gz (256 KB, 100 KB of it are here)"
