"""One cache for several people: what one prepares, the others read, as far as the umask says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_files import old
from support import write_images

from zoo.data import DataSpec, open_source, prepare
from zoo.data.cache import recall, remember
from zoo.data.store_writer import discard

pytestmark = pytest.mark.skipif(os.name == "nt", reason="rights are others there")


@pytest.fixture(params=[0o022, 0o002, 0o077], ids=oct)
def umask(request) -> Iterator[int]:
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_prepared_store_has_the_rights_that_the_umask_gives(tmp_path, cache, umask):
    store = prepare(open_source(str(old(write_images(tmp_path / "images.npz")))), DataSpec(1, 8, 8))
    assert rights(store.directory) == 0o777 & ~umask
    assert {rights(path) for path in store.directory.iterdir()} == {0o666 & ~umask}
    assert rights(store.directory.parent) == 0o777 & ~umask
    assert discard(store.directory)
    assert list(store.directory.parent.iterdir()) == []


def test_what_is_remembered_has_them_too(cache, umask):
    remember("something", {"a": 1})
    assert recall("something") == {"a": 1}
    (note,) = (cache / "known").iterdir()
    assert rights(note) == 0o666 & ~umask
