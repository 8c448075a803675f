"""Journals of a million lines: read from the end, thinned, cut off in their place."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

import zoo
from zoo.run import lines
from zoo.run.journal import Journal, last_metrics, read_metrics, truncate
from zoo.run.lines import kinds, parse


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """Files are read in pieces of a few lines, so that tests meet their edges."""
    monkeypatch.setattr(lines, "_CHUNK", 150)


def logged(count: int) -> Path:
    path = Path("metrics.jsonl")
    with Journal(path) as journal:
        for step in range(1, count + 1):
            journal.write({"step": step, "d_loss": random.random(), "g_loss": float("nan") if step % 7 == 0 else 1.5})
    return path


@pytest.mark.parametrize("most", [2, 3, 10, 99, 100, 101, 1000])
def test_some_lines_are_spread_evenly_from_the_first_to_the_last(most):
    steps = [line["step"] for line in read_metrics(logged(100), most)]
    assert len(steps) <= most
    assert len(steps) >= min(most, 100) / 2
    assert (steps[0], steps[-1]) == (1, 100)
    assert len({later - earlier for earlier, later in pairwise(steps[:-1])}) <= 1


def test_some_lines_of_none_are_none():
    assert read_metrics(Path("none.jsonl"), 5) == []
    Path("empty.jsonl").touch()
    assert (read_metrics(Path("empty.jsonl"), 5), last_metrics(Path("empty.jsonl"))) == ([], None)


def test_the_last_line_is_read_from_the_end():
    path = logged(50)
    assert last_metrics(path)["step"] == 50
    with path.open("a") as file:
        file.write('{"step": 51, "d_')
    assert last_metrics(path)["step"] == 50
    assert last_metrics(Path("none.jsonl")) is None


@pytest.mark.parametrize("step", [0, 1, 17, 49, 50, 70])
def test_a_journal_is_cut_off_in_its_place(step, monkeypatch):
    path = logged(50)
    before = path.read_bytes().splitlines(keepends=True)
    with path.open("a") as file:
        file.write('{"step": 51, "d_')
    monkeypatch.setattr("zoo.run.journal.replacing", None)  # it is not written anew
    assert truncate(path, step) == ""
    assert path.read_bytes() == b"".join(before[:step])


def test_a_journal_that_ends_where_it_should_is_left_alone():
    path = logged(20)
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    assert truncate(path, 20) == ""
    assert path.stat().st_mtime_ns == before


DAMAGED = (
    b"cut o", b'{"step": 7, "d_lo', b"[]", b"", b'{"d_loss": 1}', b'{"step": "7"}', b'{"step": 1.5}', b'{"step": -}', b"\xff\xfe",
    b'{"step": 07, "d_loss": 1}',
)  # fmt: skip


@pytest.mark.parametrize("damaged", DAMAGED)
@pytest.mark.parametrize("place", [0, 11, 29])
def test_whatever_is_damaged_is_left_out_told_of_and_kept(damaged, place):
    path = logged(30)
    given = path.read_bytes().splitlines(keepends=True)
    given[place] = damaged + b"\n"
    path.write_bytes(b"".join(given))
    assert "metrics.jsonl.damaged" in truncate(path, 40)
    del given[place]
    assert path.read_bytes() == b"".join(given)


def test_steps_that_are_out_of_order_are_told_apart_line_by_line():
    steps = [random.Random(3).randrange(100) for _ in range(200)]
    path = Path("metrics.jsonl")
    path.write_text("".join(json.dumps({"step": step, "x": 1}) + "\n" for step in steps))
    assert truncate(path, 50) == ""
    assert [line["step"] for line in read_metrics(path)] == [step for step in steps if step <= 50]


def test_lines_of_one_form_are_counted_together():
    path = logged(100)
    with path.open("a") as file:
        file.write("\n  \ndamaged\n" + json.dumps({"step": 10**400}) + "\n" + "cut o")
    found = list(kinds(path))
    assert sum(count for line, count in found if line is not None) == 101
    assert sum(count for line, count in found if line is None) == 2
    assert parse(b'\xef\xbb\xbf{"step": 1}') == {"step": 1}


def test_a_run_of_many_lines_draws_its_curves_of_some(images, cli, monkeypatch):
    pytest.importorskip("matplotlib")
    from support import tiny

    run = zoo.train("vanilla", data=str(images), out="run", **tiny("vanilla", steps=40))
    monkeypatch.setattr("zoo.plots.curves.MOST", 12)
    assert len(run.metrics(12)) <= 12
    assert cli("curves", "run").code == 0
