"""Data sets of the Hub, from a server on the loopback address that answers as the Hub does."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from file_server import Answer, FileServer, serving
from hub_server import CONVERTED, commit_of, publish
from messages import saying
from PIL import Image

from zoo.data import open_source
from zoo.data.known import hub as module
from zoo.data.known.hub import fetch_hub
from zoo.data.known.hub_name import HubName
from zoo.data.registry import is_missing
from zoo.errors import DataError


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), shade).save(buffer, "png")
    return buffer.getvalue()


PICTURES = {f"train/{name}/{n}.png": png(n * 20 + 3) for name in ("cat", "dog") for n in range(3)}
SHARD = os.urandom(5000)
OTHER = os.urandom(300)
OWN = {
    "README.md": b"# A set",
    "data/train-00000-of-00002.parquet": SHARD,
    "data/train-00001-of-00002.parquet": OTHER,
    "data/test-00000-of-00001.parquet": b"test",
}


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[FileServer]:
    """A Hub of this test alone, and a cache of the library's."""
    library = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    for name in ("ZOO_OFFLINE", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert library
    with serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server
        close_session()


def fetched(location):
    place, exact = fetch_hub(HubName.read(location))
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}, exact


def refused(location, *words):
    with pytest.raises(DataError) as caught:
        open_source(location)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def downloaded(hub):
    return [(path.rpartition("/")[2], asked) for path, asked in hub.asked if "/resolve/" in path]


TRAIN = {"train-00000-of-00002.parquet": SHARD, "train-00001-of-00002.parquet": OTHER}


def test_the_parquet_files_of_the_train_split_are_handed_over_alone(hub):
    commit = publish(hub, "user/name", OWN)
    assert fetched("user/name") == (TRAIN, HubName("user/name", None, commit, "train"))


def test_another_split_and_another_revision_can_be_chosen(hub):
    publish(hub, "user/name", OWN)
    old = publish(hub, "user/name", {"train.parquet": b"old", "test.parquet": b"old test"}, revision="v1")
    assert fetched("user/name:test")[0] == {"test-00000-of-00001.parquet": b"test"}
    assert fetched("user/name@v1:test") == ({"test.parquet": b"old test"}, HubName("user/name", None, old, "test"))
    assert fetched(f"user/name@{old}")[0] == {"train.parquet": b"old"}


def test_what_the_hub_has_converted_is_taken_where_there_is_no_parquet(hub):
    publish(hub, "user/name", {"data.zip": b"PK", "script.py": b"import os"})
    converted = {"default/train/0000.parquet": SHARD, "default/test/0000.parquet": OTHER}
    commit = publish(hub, "user/name", converted, revision=CONVERTED)
    assert fetched("user/name") == ({"0000.parquet": SHARD}, HubName("user/name", None, commit, "train"))
    assert fetched(f"user/name@{commit}:test")[0] == {"0000.parquet": OTHER}


def test_a_conversion_in_part_is_said(hub, caplog):
    publish(hub, "user/name", {"script.py": b""})
    publish(hub, "user/name", {"default/partial-train/0000.parquet": SHARD}, revision=CONVERTED)
    fetched("user/name")
    assert "has converted only the first 5 GB" in caplog.text


def test_pictures_are_fetched_where_there_is_nothing_else_and_read(hub):
    publish(hub, "user/name", PICTURES)
    source = open_source("hf:user/name")
    assert (len(source), source.class_names, source.title) == (6, ["cat", "dog"], "user/name (train)")
    assert (source.channels, source.height, source.width) == (1, 8, 8)


def test_the_one_archive_is_handed_over_as_such(hub):
    publish(hub, "user/name", {"faces.zip": b"PK\x05\x06" + bytes(18)})
    place, _ = fetch_hub(HubName.read("user/name"))
    assert place.name == "faces.zip"


def test_what_is_here_is_not_fetched_again(hub):
    publish(hub, "user/name", OWN)
    fetched("user/name")
    hub.asked.clear()
    fetched("user/name")
    assert downloaded(hub) == []


def test_a_run_remembers_the_commit_and_is_resumed_with_it(hub, caplog):
    publish(hub, "user/name", PICTURES)
    source = open_source("hf:user/name")
    assert source.pinned == f"hf:user/name@{commit_of('user/name main')}:train"
    publish(hub, "user/name", {name: png(9) for name in PICTURES}, commit=commit_of("later"))
    hub.asked.clear()
    assert not is_missing(source.pinned)
    assert open_source(source.pinned).fingerprint() == source.fingerprint()
    assert hub.asked == []
    assert open_source("hf:user/name").fingerprint() != source.fingerprint()


def test_config_json_has_the_commit(hub):
    from zoo.engine.plan import plan_run

    commit = publish(hub, "user/name", PICTURES)
    plan = plan_run("vanilla", flags={"data": "hf:user/name", "device": "cpu", "batch_size": 2})
    assert plan.options.data == f"hf:user/name@{commit}:train"


def test_a_transfer_that_is_cut_off_is_gone_on_with(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # less than one is not kept
    commit = publish(hub, "user/name", {"train.parquet": SHARD})
    path = f"/datasets/user/name/resolve/{commit}/train.parquet"
    whole = hub.files[path]
    hub.files[path] = [whole, Answer(SHARD, cut=2000, headers=whole.headers), whole]
    assert fetched("user/name")[0] == {"train.parquet": SHARD}
    assert downloaded(hub) == [("train.parquet", None), ("train.parquet", "bytes=2000-")]


def test_a_file_with_another_checksum_is_never_taken(hub):
    commit = publish(hub, "user/name", {"train.parquet": SHARD})
    hub.files[f"/datasets/user/name/resolve/{commit}/train.parquet"].content = bytes(len(SHARD))
    refused("hf:user/name", "train.parquet arrives damaged", "SHA-256")
    hub.files[f"/datasets/user/name/resolve/{commit}/train.parquet"].content = SHARD
    assert fetched("user/name")[0] == {"train.parquet": SHARD}


def test_names_that_lead_elsewhere_are_passed_over(hub, tmp_path):
    publish(hub, "user/name", {"train/../../../../evil.png": png(1), **PICTURES})
    assert len(open_source("hf:user/name")) == 6


# ---- what is wrong is said


def test_a_set_that_is_not_there_is_said(hub):
    hub.files["/api/datasets/user/none"] = Answer(status=401, headers={"X-Error-Code": "RepoNotFound"})
    refused("hf:user/none", "no such data set", hub.url, "HF_TOKEN")


def test_a_set_with_conditions_says_where_to_accept_them(hub):
    hub.files["/api/datasets/user/gated"] = Answer(status=403, headers={"X-Error-Code": "GatedRepo"})
    refused("hf:user/gated", f"{hub.url}/datasets/user/gated", "hf auth login")


def test_a_revision_that_is_not_there_is_said(hub):
    publish(hub, "user/name", OWN)
    hub.files["/api/datasets/user/name/revision/v9"] = Answer(status=404, headers={"X-Error-Code": "RevisionNotFound"})
    refused("hf:user/name@v9", "no revision 'v9'")


def test_a_split_that_is_not_there_is_said_with_those_that_are(hub):
    publish(hub, "user/name", OWN)
    refused("hf:user/name:gold", "no split 'gold'", "test, train", "[:SPLIT]")


def test_a_set_without_pictures_is_said(hub):
    publish(hub, "user/name", {"README.md": b"", "train.jsonl": b"{}"})
    refused("hf:user/name", "no Parquet files, archives or pictures")


@pytest.mark.parametrize("location", ["hf", "hf:", "hf:user/name:", "hf:../x"])
def test_what_is_no_name_says_how_one_is_written(location):
    with pytest.raises(DataError, match=saying("hf:USER/NAME")):
        open_source(location)


def test_a_library_that_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=saying('pip install "zoo-gan[hf]"')):
        open_source("hf:user/name")


# ---- without the network


def offline(monkeypatch, how):
    from huggingface_hub import constants

    if how == "zoo":
        monkeypatch.setenv("ZOO_OFFLINE", "1")
    elif how == "library":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    else:
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize("how", ["zoo", "library", "nobody answers"])
def test_without_a_network_what_is_here_is_taken(hub, monkeypatch, caplog, how):
    publish(hub, "user/name", OWN)
    before = fetched("user/name")
    offline(monkeypatch, how)
    hub.asked.clear()
    with caplog.at_level(logging.WARNING, "zoo"):
        assert fetched("user/name") == before
    assert "the Hub cannot be asked" in caplog.text
    assert str(before[1]) in caplog.text
    assert hub.asked == []


@pytest.mark.parametrize("how", ["zoo", "library", "nobody answers"])
def test_without_a_network_it_says_what_to_do(hub, monkeypatch, how):
    offline(monkeypatch, how)
    refused("hf:user/name", "the Hub cannot be asked", "hf download --repo-type dataset user/name", "--data FOLDER")


def test_a_set_that_is_here_in_part_is_not_taken_for_whole(hub, monkeypatch):
    publish(hub, "user/name", OWN)
    place, _ = fetch_hub(HubName.read("user/name"))
    (place / "train-00001-of-00002.parquet").resolve().unlink()
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    refused("hf:user/name", "ZOO_OFFLINE is set")
    monkeypatch.delenv("ZOO_OFFLINE")
    assert fetched("user/name")[0] == TRAIN


def test_links_that_cannot_be_made_are_copies(hub, monkeypatch):
    def no(*_):
        raise OSError("not here")

    publish(hub, "user/name", OWN)
    monkeypatch.setattr(module, "_WAYS", (no, no, module._WAYS[-1]))
    place, _ = fetch_hub(HubName.read("user/name"))
    assert not any(path.is_symlink() for path in place.iterdir())
    assert fetched("user/name")[0] == TRAIN


def test_the_address_and_the_token_of_the_environment_are_used(tmp_path):
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    with serving() as server:
        publish(server, "user/name", PICTURES)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "HF_ENDPOINT": server.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "hf_made_up",
        }
        code = "from zoo.data import open_source; s = open_source('hf:user/name'); print(len(s), s.class_names)"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
        )
    assert (done.returncode, done.stdout) == (0, "6 ['cat', 'dog']\n"), done.stderr
    assert done.stderr == ""
    assert (tmp_path / "home" / "hub" / "datasets--user--name").is_dir()


# ---- CelebA


def test_celeba_is_ones_own_copy_or_that_of_the_hub(hub, cache):
    publish(hub, "flwrlabs/celeba", PICTURES)
    source = open_source("celeba")
    assert (source.title, len(source)) == ("CelebA", 6)
    assert source.pinned.startswith("hf:flwrlabs/celeba@")
    own = cache / "downloads" / "celeba" / "img_align_celeba"
    own.mkdir(parents=True)
    (own / "000001.jpg").write_bytes(png(3))
    source = open_source("celeba")
    assert (source.title, len(source), source.pinned) == ("CelebA", 1, None)


def test_without_either_it_says_where_to_put_ones_own(hub, cache, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    refused("celeba", "img_align_celeba.zip", f"into {cache / 'downloads' / 'celeba'}")
    with pytest.raises(DataError, match=saying("--data PATH")):
        open_source("celeba:here")
