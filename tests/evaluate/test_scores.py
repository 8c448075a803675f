"""scores.jsonl: what is written is read again, what is damaged is left out, and what does not compare is not compared."""

from __future__ import annotations

import json

import pytest

from zoo.errors import OptionError, RunError
from zoo.run.scores import (
    DECISIVE,
    SCORES,
    Score,
    Scores,
    _shown,
    cut_scores,
    incomparable,
    read_scores,
    refuse_incomparable,
    remarks,
    score_faults,
    write_scores,
)

MADE = {
    "measures": 1,
    "extractor": "digits",
    "extractor_sha256": "ab" * 32,
    "resize": "none",
    "shape": [1, 28, 28],
    "samples": 5000,
    "real": 5000,
    "fingerprint": "x",
    "split": "train",
    "fit": "crop",
    "truncation": None,
    "seed": 0,
}
ONE = Scores(5, {"frechet": {"distance": Score(1.5, 1.0, 2.0, 0.9)}}, MADE, {"modes": {"samples": 2500}})


def test_what_is_written_is_read_again(tmp_path):
    other = Scores(7, {"spread": {"fake": Score(float("nan"))}}, MADE)
    write_scores(tmp_path, ONE)
    write_scores(tmp_path, other)
    first, second = read_scores(tmp_path)
    assert first == ONE
    assert second.of("spread", "fake") == Score(None)
    assert first.of("frechet", "distance").floor == 0.9
    assert first.of("kid", "kid") is None
    assert (first.provenance_of("frechet")["samples"], first.provenance_of("modes")["samples"]) == (5000, 2500)
    assert set(json.loads((tmp_path / SCORES).read_text().splitlines()[0])) == {"step", "scores", "provenance", "apart"}


def test_there_are_none_where_there_is_no_file(tmp_path):
    assert read_scores(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"\xff\xfe", b"[]", b"null", b'{"step": true, "scores": {}, "provenance": {}}',
        b'{"step": 1, "scores": [], "provenance": {}}',
        b'{"step": 1, "scores": {"a": 1}, "provenance": {}}', b'{"step": 1, "scores": {"a": {"b": 2}}, "provenance": {}}',
        b'{"step": 1, "scores": {}, "provenance": {}, "apart": {"a": 3}}', b"[" * 100_000, b'{"step": 1e999}',
    ],
)  # fmt: skip
def test_damaged_lines_are_left_out(tmp_path, line):
    write_scores(tmp_path, ONE)
    with (tmp_path / SCORES).open("ab") as file:
        file.write(line + b"\n")
    write_scores(tmp_path, ONE)
    assert read_scores(tmp_path) == [ONE, ONE]


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path):
    write_scores(tmp_path, ONE)
    write_scores(tmp_path, ONE)
    path = tmp_path / SCORES
    path.write_bytes(path.read_bytes()[:-20])
    assert read_scores(tmp_path) == [ONE]
    write_scores(tmp_path, ONE)
    assert read_scores(tmp_path) == [ONE, ONE]


@pytest.mark.parametrize("number", ['"1"', "true", "1e999", "NaN", "[1]"])
def test_a_line_with_a_number_that_is_none_is_damaged_and_one_without_is_read(tmp_path, number):
    line = '{"step": 1, "scores": {"a": {"b": {"value": VALUE, "floor": null}}}, "provenance": {}}\n'
    (tmp_path / SCORES).write_text(line.replace("VALUE", number) + line.replace("VALUE", "null"))
    assert [scores.of("a", "b") for scores in read_scores(tmp_path)] == [Score(None)]
    assert score_faults(tmp_path) == ["1 line that cannot be read"]
    cut_scores(tmp_path, 5)
    assert (tmp_path / SCORES).read_text() == line.replace("VALUE", "null")
    assert (tmp_path / f"{SCORES}.damaged").exists()


def test_a_runs_folder_is_named_as_text_or_as_a_path(tmp_path):
    assert read_scores(str(tmp_path)) == []
    with pytest.raises(OptionError, match="give a path"):
        read_scores(5)


def test_something_else_in_its_place_is_an_error(tmp_path):
    (tmp_path / SCORES).mkdir()
    with pytest.raises(RunError):
        read_scores(tmp_path)
    with pytest.raises(RunError):
        write_scores(tmp_path, ONE)


def test_what_decides_is_all_that_a_number_hangs_on():
    """But for seeds, versions of zoo and torch, and the weights: whether those are averaged is a run's own."""
    decides = {
        "measures",
        "metric",
        "extractor",
        "extractor_sha256",
        "resize",
        "shape",
        "samples",
        "real",
        "fingerprint",
        "split",
    }
    assert set(DECISIVE) == {*decides, "fit", "truncation"}
    assert set(MADE) | {"metric"} >= set(DECISIVE)


@pytest.mark.parametrize("name", DECISIVE)
def test_scores_that_differ_in_what_decides_do_not_compare(name):
    found = incomparable(MADE, {**MADE, name: "another"})
    assert len(found) == 1
    assert "another" in found[0]
    assert incomparable(MADE, {key: value for key, value in MADE.items() if key != name}) == (
        [] if MADE.get(name) is None else [f"{DECISIVE[name]} ({_shown(MADE[name])}, none)"]
    )
    with pytest.raises(RunError, match="a and b do not compare: they differ in"):
        refuse_incomparable(MADE, {**MADE, name: "another"}, "the scores of a and b")


def test_scores_of_other_seeds_and_versions_compare():
    assert incomparable(MADE, {**MADE, "seed": 4, "zoo": "9", "torch": "9", "averaged": False}) == []
    refuse_incomparable(MADE, MADE, "they")


def test_copies_of_the_data_are_told_and_a_few_are_not():
    of = [Scores(1, {"copies": {"pixels": Score(share)}}, MADE) for share in (1.0, 0.02)]
    assert "100% of these pictures are training images" in remarks(of[0])[0]
    assert remarks(of[1]) == remarks(ONE) == []
