"""Two thousand damaged files of every kind that is read: data, or one ZooError each. ``make fuzz`` tries a hundred thousand."""

from __future__ import annotations

import os

import pytest
from mutate import mutated
from trying import Fuzzer, watching

COUNT = 2000


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Fuzzer:
    return Fuzzer(tmp_path_factory.mktemp("fuzz"))


def test_damaged_files_give_data_or_one_error(fuzzer, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("ZOO_CACHE", str(fuzzer.folder / "cache"))
    findings = fuzzer.run(range(COUNT))
    assert findings.wrong == []
    assert findings.tried == COUNT
    assert COUNT // 10 < findings.refused < COUNT, "the files are neither all refused nor all whole"
    assert set(findings.kinds) == {kind.name for kind in fuzzer.kinds}, "each kind has its turn"


def test_what_is_not_damaged_is_read(fuzzer):
    for kind in fuzzer.kinds:
        place = fuzzer.prepared(kind, 0)
        for name in kind.victims:
            (place / name).write_bytes((kind.place / name).read_bytes())
        kind.read(place)


def test_the_same_number_is_the_same_file():
    content = bytes(range(200))
    assert [mutated(content, seed) for seed in range(50)] == [mutated(content, seed) for seed in range(50)]
    assert len({mutated(content, seed) for seed in range(50)}) > 40


def test_what_is_written_outside_is_noticed(tmp_path):
    (tmp_path / "inside").mkdir()
    with watching(tmp_path / "inside") as deeds:
        (tmp_path / "inside" / "a").write_text("fine")
        assert deeds == []
        (tmp_path / "outside").write_text("not fine")
        assert len(deeds) == 1
        assert "outside" in deeds[0]
