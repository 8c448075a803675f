"""Many pictures: the same in parts as at once, in bounded memory, and whole whatever happens."""

from __future__ import annotations

import errno
import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from messages import saying
from support import assert_refused

import zoo
from zoo.cli.counting import Counting
from zoo.cli.going_on import again
from zoo.errors import OptionError, RunError
from zoo.generate import SampleStream
from zoo.generate.latent.latents import Latents
from zoo.generate.latent.stream import LatentStream
from zoo.generate.pictures import folder as folders
from zoo.generate.pictures.folder import PictureFolder, free_numbers
from zoo.generate.pictures.output import write_rows


def files(folder: str | Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# ---- latents by seed and index


@pytest.mark.parametrize("distribution", ["normal", "uniform", "unit"])
@pytest.mark.parametrize("truncation", [None, 0.7])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_latent_is_a_function_of_the_seed_and_its_index(distribution, truncation, size):
    whole = LatentStream(7, size, distribution, truncation).rows(0, 300)
    for start, stop in ((0, 2), (0, 64), (17, 18), (63, 65), (64, 300), (150, 200)):
        assert torch.equal(LatentStream(7, size, distribution, truncation).rows(start, stop), whole[start:stop])
    stream = LatentStream(7, size, distribution, truncation)
    parts = [stream.rows(start, start + 30) for start in range(0, 300, 30)]
    assert torch.equal(torch.cat(parts), whole)
    if truncation is None:
        assert torch.equal(whole[:64], Latents(7, size, distribution).draw(64))


def test_truncation_changes_no_latent_that_lies_within():
    plain, cut = LatentStream(3, 5, "normal").rows(0, 200), LatentStream(3, 5, "normal", 1.0).rows(0, 200)
    assert cut.abs().max() <= 1
    assert torch.equal(cut[plain.abs() <= 1], plain[plain.abs() <= 1])


def test_the_first_pictures_of_a_seed_are_the_same_however_many_there_are(plain):
    many = plain.latents(70, 5)
    for n in (2, 3, 64, 69):
        assert torch.equal(plain.latents(n, 5), many[:n])
        assert torch.equal(plain.latents(70 - n, 5, start=n), many[n:])
    assert torch.equal(plain.latents(1, 5), plain.latents(seeds=[5]))


# ---- parts


WAYS = [
    {"n": 150}, {"n": 150, "start": 37}, {"n": 1}, {"n": 70, "truncation": 0.5, "start": 64}, {"n": 40, "labels": ["2", 0]},
    {"n": 30, "all_classes": True}, {"n": 30, "all_classes": True, "start": 50}, {"seeds": range(70)},
    {"seeds": [9, 3, 9], "start": 1}, {"seeds": [9, 3, 8, 7], "all_classes": True, "start": 3}, {"n": 20, "best_of": 7},
    {"n": 20, "best_of": 7, "start": 5}, {"n": 3, "best_of": 4, "all_classes": True}, {"seeds": range(40), "best_of": 4},
    {"seeds": range(8), "best_of": 4, "all_classes": True},
]  # fmt: skip


@pytest.mark.parametrize("asked", WAYS, ids=str)
def test_parts_are_what_is_drawn_at_once(conditional, asked):
    whole, stream = conditional.sample(**asked), conditional.stream(**asked)
    assert isinstance(stream, SampleStream)
    assert (len(stream), stream.first) == (len(whole), asked.get("start", 0))
    parts = list(stream)
    assert max(map(len, parts)) <= 64
    assert torch.equal(torch.cat([part.latents for part in parts]), whole.latents)
    assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
    assert (whole.seeds is None) == all(part.seeds is None for part in parts)
    assert [seed for part in parts for seed in part.seeds or ()] == list(whole.seeds or ())
    torch.testing.assert_close(torch.cat([part.images for part in parts]), whole.images, rtol=0, atol=1e-5)


def test_a_list_of_pictures_has_an_end(conditional):
    for asked in ({"n": 2, "best_of": 2}, {"seeds": [4, 5]}):
        with pytest.raises(OptionError, match=saying("start 2", "there are 2", "0 to 1")):
            conditional.stream(**asked, start=2)
    for start in (-1, 1.5, 10**9):
        with pytest.raises(OptionError, match=saying(f"start {start}", "0 to 100,000,000")):
            conditional(4, start=start)


def test_no_more_than_a_batch_is_drawn_at_a_time(cli, runs, monkeypatch):
    drawn = []
    draw = zoo.Generator.draw
    monkeypatch.setattr(
        zoo.Generator, "draw", lambda self, z, *more, **named: drawn.append(len(z)) or draw(self, z, *more, **named)
    )
    for out in ("folder", "x.npy", "x.npz"):
        assert cli("sample", runs / "dcgan", "--n", 300, "--out", out).code == 0
    assert max(drawn) == 64
    assert len(os.listdir("folder")) == len(np.load("x.npy")) == 300


# ---- a folder in parts


@pytest.mark.parametrize(
    ("run", "whole", "parts"),
    [
        ("dcgan", ["--n", 130], [["--n", 50], ["--n", 80, "--start", 50]]),
        ("cgan", ["--n", 90, "--labels", "2,0"], [["--n", 71, "--labels", "2,0"], ["--n", 19, "--labels", "2,0", "--start", 71]]),
        ("dcgan", ["--n", 9, "--numbered"], [["--n", 4, "--numbered"], ["--n", 5, "--numbered", "--start", 4]]),
        ("dcgan", ["--n", 9, "--truncation", 1], [["--n", 6, "--truncation", 1], ["--n", 3, "--truncation", 1, "--start", 6]]),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)  # fmt: skip
def test_a_folder_drawn_in_two_parts_is_that_drawn_at_once(cli, runs, run, whole, parts):
    assert cli("sample", runs / run, *whole, "--out", "whole").code == 0
    for part in parts:
        outcome = cli("sample", runs / run, *part, "--out", "parts")
        assert outcome.code == 0, outcome
    assert files("parts") == files("whole")


def test_a_list_goes_on_where_it_was_left(cli, runs):
    for name, words in (
        ("a", ["--seeds", "9,3,8,7"]),
        ("b", ["--all-classes", "--n", 3]),
        ("c", ["--n", 4, "--best-of", 3]),
    ):
        assert cli("sample", runs / "cgan", *words, "--out", name).code == 0
        assert cli("sample", runs / "cgan", *words, "--start", 2, "--out", f"{name}2").code == 0
        assert files(f"{name}2") == {file: held for file, held in files(name).items() if file >= "0002"}


def test_numbers_that_are_taken_are_refused(cli, runs):
    assert cli("sample", runs / "dcgan", "--n", 3, "--out", "x").code == 0
    before = files("x")
    assert_refused(cli("sample", runs / "dcgan", "--n", 3, "--out", "x"), "3 pictures already", "--start N to go on")
    outcome = cli("sample", runs / "dcgan", "--n", 3, "--start", 1, "--out", "x")
    assert_refused(outcome, "--start 1", "picture 1 already", "--start 3")
    assert files("x") == before
    outcome = cli("sample", runs / "dcgan", "--n", 3, "--start", 3, "--out", "x")
    assert outcome.out == "3 pictures of dcgan, step 4, seed 0, from number 3 on: x\n"
    assert sorted(files("x")) == [f"000{number}.png" for number in range(6)]


def test_names_keep_the_digits_of_those_that_are_there(tmp_path):
    (tmp_path / "000007-seed-3.png").touch()
    (tmp_path / "notes.txt").touch()
    assert free_numbers(tmp_path, 8, 20) == 6
    assert free_numbers(tmp_path / "new", 0, 20_000) == 5


# ---- arrays


def test_arrays_hold_the_same_pictures(cli, runs):
    assert cli("sample", runs / "cgan", "--n", 100, "--seed", 3, "--out", "x.npz").code == 0
    assert cli("sample", runs / "cgan", "--n", 60, "--seed", 3, "--start", 40, "--out", "x.npy").code == 0
    with np.load("x.npz") as held:
        assert sorted(held) == ["class_names", "images", "labels"]
        assert held["images"].shape == (100, 8, 8, 1)
        np.testing.assert_array_equal(held["labels"], np.arange(100) % 3)
        np.testing.assert_array_equal(held["images"][40:], np.load("x.npy"))


def test_rows_in_parts_are_written_as_numpy_writes_them(tmp_path):
    images = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    write_rows(tmp_path / "a.npy", 7, iter([images[:4], images[4:]]))
    np.save(tmp_path / "b.npy", images)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    late: dict[str, np.ndarray] = {}

    def parts():
        yield images[:4]
        yield images[4:]
        late["labels"] = np.arange(7)

    write_rows(tmp_path / "a.npz", 7, parts(), late)
    with np.load(tmp_path / "a.npz") as held:
        np.testing.assert_array_equal(held["images"], images)
        np.testing.assert_array_equal(held["labels"], np.arange(7))


def test_an_array_that_does_not_fit_on_the_disk_is_refused_at_once(cli, runs):
    assert_refused(
        cli("sample", runs / "dcgan", "--n", 10**15, "--out", "x.npy"), "cannot write x.npy", "are free there"
    )
    assert os.listdir() == []


# ---- ended early


def going_on(outcome: str) -> list[str]:
    """The words behind ``zoo`` of the command that a message gives."""
    return shlex.split(outcome.strip().partition("go on with: zoo ")[2])


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("dcgan", ["--n", 300, "--seed=5"]),
        ("dcgan", ["--n=300"]),
        ("cgan", ["--all-classes", "--n", 100]),
        ("cgan", ["--seeds", "0-299"]),
        ("cgan", ["--n", 300, "--numbered"]),
        ("dcgan", ["--n", 200, "--best-of", 2]),
    ],
    ids=str,
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_leaves_whole_pictures_and_the_command_that_goes_on(cli, runs, monkeypatch, run, words, number):
    assert cli("sample", runs / run, *words, "--out", "whole").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Counting, "reach", lambda self, done: done > 40 and signal.raise_signal(number))
        outcome = cli("sample", runs / run, *words, "--out", "a folder")
    assert outcome.code == 128 + number
    assert outcome.err.startswith("zoo: interrupted; ")
    assert outcome.err.count("\n") == 1
    held = files("a folder")
    assert f"{len(held):,} of " in outcome.err
    assert 40 < len(held) < len(files("whole"))
    more = cli(*going_on(outcome.err))
    assert more.code == 0, more
    assert files("a folder") == files("whole")


def test_a_disk_that_fills_up_leaves_whole_pictures_and_the_command_that_goes_on(cli, runs, monkeypatch):
    write = Path.write_bytes

    def full(self, data):
        if "0077" in self.name:
            write(self, bytes(data)[:9])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        outcome = cli("sample", runs / "dcgan", "--n", 150, "--out", "x")
    assert_refused(
        outcome, "cannot write x/0077.png", "the disk is full", "77 of 150 pictures are in x", "--start 77 --n 73"
    )
    assert sorted(files("x")) == [f"{number:04d}.png" for number in range(77)]
    assert cli(*going_on(outcome.err)).code == 0
    assert len(files("x")) == 150


def test_where_nothing_could_be_written_there_is_nothing_to_go_on_with(cli, runs, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    outcome = cli("sample", runs / "dcgan", "--n", 5, "--out", "x")
    assert_refused(outcome, "the disk is full", "no picture is there")
    assert os.listdir("x") == []


def test_an_array_that_ends_early_is_not_there(cli, runs, monkeypatch):
    monkeypatch.setattr(Counting, "reach", lambda self, done: signal.raise_signal(signal.SIGINT))
    for out in ("x.npy", "x.npz"):
        outcome = cli("sample", runs / "dcgan", "--n", 150, "--out", out)
        assert (outcome.code, outcome.err) == (130, "zoo: interrupted\n")
    assert os.listdir() == []


def test_pictures_that_are_to_be_all_or_none_are_none(tmp_path):
    pixels = np.zeros((4, 4, 1), np.uint8)
    folder = PictureFolder(tmp_path / "x", keep=False)

    def write():
        with folder:
            folder.write((f"{number:04d}", pixels) for number in range(90))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert os.listdir(tmp_path / "x") == []
    assert folder.done == 0


def test_what_a_thread_fails_at_is_raised_and_what_follows_goes(tmp_path, monkeypatch):
    pixels = np.zeros((4, 4, 1), np.uint8)
    write = folders._write

    def fail(pictures, comment):
        if pictures[0][0].name == "0032.png":
            raise RunError("no")
        write(pictures, comment)

    monkeypatch.setattr(folders, "_write", fail)
    with pytest.raises(RunError, match="no"), PictureFolder(tmp_path) as folder:
        folder.write((f"{number:04d}", pixels) for number in range(200))
    assert folder.done == 32
    assert sorted(files(tmp_path)) == [f"{number:04d}.png" for number in range(32)]


def test_a_command_line_is_repeated_with_other_numbers():
    assert (
        again(["sample", "x", "--n=3", "--out", "a b"], {"--n": 1, "--start": 2})
        == "zoo sample x --out 'a b' --n 1 --start 2"
    )


# ---- how far it is


def test_progress_is_shown_where_it_takes_its_time_and_on_standard_error_alone(capsys, monkeypatch):
    with Counting("pictures", 100) as counting:
        counting.reach(50)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("zoo.cli.counting.PATIENCE", -1)
    monkeypatch.setattr("zoo.cli.counting.PLAIN_SECONDS", -1)
    with Counting("pictures", 1000) as counting:
        counting.reach(0)
        counting.reach(500)
        counting.reach(1000)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(",")[0] for line in err.splitlines()] == ["pictures: 0 of 1", "pictures: 500 of 1"]
