"""`zoo theory`: what it prints and writes, and what it says to a mistake."""

from __future__ import annotations

import json

import pytest
from messages import assert_says
from PIL import Image
from support import tiny

import zoo
import zoo.cli
from zoo.plots import figure


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def theory(*words: str) -> int:
    return zoo.cli.run(["theory", *words])


@pytest.mark.parametrize(("source", "generator"), [("line", "missing"), ("ring", "gaussian")])
def test_the_numbers_are_printed_and_written_with_a_picture(tmp_path, capsys, source, generator):
    words = ["--source", source, "--generator", generator, "--steps", "3", "--out", "found"]
    if source == "ring":
        words += ["--deviation", "0.3"]  # a coarse lattice is enough then
    assert theory(*words) == 0
    printed = capsys.readouterr().out
    content = json.loads((tmp_path / "found" / "theory.json").read_text())
    assert (content["source"], content["generator"], content["steps"], content["seed"]) == (source, generator, 3, 0)
    assert f"{content['max_error']:.4f}" in printed
    assert f"{content['value']:.5f}" in printed
    assert content["gap"] == pytest.approx(content["best_value"] - content["value"])
    assert "99% of the mass" in printed
    if figure.can_draw():
        with Image.open(tmp_path / "found" / "theory.png") as picture:
            assert picture.width > 600


def test_the_folder_is_named_after_source_and_generator(tmp_path):
    assert theory("--steps", "1") == 0
    assert (tmp_path / "runs" / "theory-line-gaussian" / "theory.json").exists()


def test_without_matplotlib_there_are_the_numbers_and_a_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(figure, "can_draw", lambda: False)
    assert theory("--steps", "1", "--out", "found") == 0
    assert_says(capsys.readouterr().out, "no picture", "pip install matplotlib")
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["theory.json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--source", "rnig"], "unknown toy source 'rnig'; did you mean 'ring'?"),
        (["--source", "digits"], "unknown toy source 'digits'; known: grid, line, ring"),
        (["--generator", "mising"], "unknown generator 'mising'; did you mean 'missing'?"),
        (["--steps", "0"], "--steps 0: give at least 1"),
        (["--steps", "-3"], "--steps -3: give at least 1"),
        (["--seed", "-1"], "--seed -1"),
        (["--deviation", "0"], "--deviation 0.0: give a number above 0"),
        (["--deviation", "nan"], "--deviation nan"),
        (["--source", "ring", "--deviation", "0.001"], "too narrow to integrate"),
        (["--out", "file/below"], "cannot write file/below"),
        (["nowhere"], "there is no run at nowhere"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_fits(tmp_path, capsys, words, message):
    (tmp_path / "file").write_text("in the way")
    assert theory(*words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("flag", ["--source ring", "--generator same", "--deviation 0.1", "--steps 2000"])
def test_what_is_not_for_a_run_is_refused_with_one(tmp_path, capsys, flag):
    assert theory("nowhere", *flag.split()) == 2
    name = flag.split()[0]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert_says(said, f"zoo: {name}", "nowhere", "leave one of them out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", [[], ["--out", "a/b"]])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_training_leaves_nothing(tmp_path, monkeypatch, out, error):
    def stop(*more, **named):
        raise error

    monkeypatch.setattr("zoo.theory.optimum.train_discriminator", stop)
    if error is KeyboardInterrupt:
        assert theory(*out) == 130
    else:
        with pytest.raises(error):
            theory(*out)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_training_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.setattr("zoo.theory.optimum.train_discriminator", lambda *more, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        theory("--out", "a/b")
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


# ---- the modes of a run


def test_the_modes_of_a_run_are_counted(tmp_path, capsys):
    run = zoo.train("vanilla", data="ring", out="run", **tiny("vanilla", steps=1))
    assert theory(str(run.path)) == 0
    printed = capsys.readouterr().out
    content = json.loads((run.path / "theory.json").read_text())
    assert (content["source"], content["modes"], content["samples"]) == ("ring", 8, 2500)
    assert content["found"] == sum(count > 0 for count in content["counts"])
    assert content["high_quality"] == pytest.approx(sum(content["counts"]) / 2500)
    assert f"{content['found']} of 8 modes found" in printed


def test_a_run_on_images_has_no_modes_to_count(tmp_path, capsys):
    run = zoo.train("vanilla", out="run", **tiny("vanilla", steps=1))
    assert theory(str(run.path)) == 2
    assert "zoo train vanilla --data ring" in capsys.readouterr().err
