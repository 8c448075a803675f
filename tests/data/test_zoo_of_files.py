"""Data as people have it: what is used, what it is of, and what a person is told."""

from __future__ import annotations

import sys

import pytest
import zoo_of_files
from messages import saying
from zoo_of_files import SITUATIONS, put

from zoo.data import DataSpec, open_source, prepare
from zoo.data.reading import Reading
from zoo.errors import DataError


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_people_have_is_used_and_the_rest_is_told(tmp_path, name):
    each = SITUATIONS[name]
    if each.needs:
        pytest.importorskip(each.needs)
    location = each.build(tmp_path) or tmp_path
    source = open_source(str(location), reading=Reading(**dict(each.options)))
    store = prepare(source, DataSpec(source.channels, 16, 16))
    assert len(store) == each.images
    assert tuple(store.class_names) == each.classes
    told = "\n".join(store.notes)
    assert [part for part in each.says if part not in told] == [], told


@pytest.mark.parametrize(
    "name",
    [
        "kinds-that-are-not-read",
        "links-that-lead-nowhere",
        "names-that-end-oddly-or-not-at-all",
        "several-frames-and-pages",
        "runs-and-grids-of-our-own",
        "a-stray-beside-the-classes",
        "labels-tsv-without-a-header",
    ],
)
def test_strict_stops_where_anything_is_not_used(tmp_path, name):
    SITUATIONS[name].build(tmp_path)
    source = open_source(str(tmp_path))
    with pytest.raises(DataError, match=saying("not used", "--strict; without it")):
        prepare(source, DataSpec(source.channels, 16, 16), strict=True)


def test_strict_does_not_mind_what_systems_leave_behind(tmp_path):
    SITUATIONS["caches-of-systems-and-drives"].build(tmp_path)
    source = open_source(str(tmp_path))
    assert len(prepare(source, DataSpec(3, 16, 16), strict=True)) == 2


def test_a_missing_plugin_is_named_with_what_it_reads(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.pictures.kinds.is_installed", lambda module: False)
    put(tmp_path / "a.png")
    for number in range(3):
        (tmp_path / f"{number}.heic").write_bytes(b"x")
    (tmp_path / "x.jxl").write_bytes(b"x")
    source = open_source(str(tmp_path))
    assert len(source) == 1
    assert '3 .heic, 1 .jxl (pip install "zoo-gan[pictures]"' in " ".join(source.notes)


@pytest.mark.parametrize(
    ("name", "module", "extra"), [("parquet-file", "pyarrow", "parquet"), ("lmdb-database", "lmdb", "lmdb")]
)
def test_a_missing_library_is_one_line_with_the_command_that_gets_it(tmp_path, monkeypatch, name, module, extra):
    pytest.importorskip(module)
    location = SITUATIONS[name].build(tmp_path)
    for loaded in [key for key in sys.modules if key.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=saying(f'which is not installed here; pip install "zoo-gan[{extra}]"')):
        open_source(str(location))


def test_what_is_known_of_a_folder_does_not_change_with_runs_in_it(tmp_path):
    """`cd photos; zoo train dcgan --data .` makes a run that can be resumed."""
    put(tmp_path / "a.png")
    before = open_source(str(tmp_path)).fingerprint()
    run = tmp_path / "runs/dcgan-001"
    for name in ("checkpoints", "samples"):
        (run / name).mkdir(parents=True)
    (run / "config.json").write_text("{}")
    put(run / "samples/step-00000500.png")
    assert open_source(str(tmp_path)).fingerprint() == before
    with pytest.raises(DataError, match="is a run of zoo"):
        open_source(str(run))


def test_a_zip_archive_holds_what_its_folder_holds(tmp_path):
    archive = SITUATIONS["zip-archive"].build(tmp_path)
    packed, plain = open_source(str(archive)), open_source(str(tmp_path / "pets"))
    spec = DataSpec(3, 16, 16)
    assert (prepare(packed, spec).images == prepare(plain, spec).images).all()
    assert prepare(packed, spec).labels.tolist() == prepare(plain, spec).labels.tolist()


def test_it_lays_itself_out_for_a_person(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo_of_files, "SITUATIONS", {"splits": SITUATIONS["splits"]})
    zoo_of_files.lay_out(tmp_path)
    assert "| splits | 6 | cat dog |" in (tmp_path / "README.md").read_text("utf-8")
