"""zoo sample, interpolate and arithmetic: what they write, and what they refuse."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from messages import saying
from PIL import Image
from support import Outcome, assert_refused, tiny, zoo_process

import zoo
from zoo.errors import OptionError
from zoo.system import memory


def picture(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def arrays(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(image) for image in images])


def succeeded(outcome: Outcome, said: str) -> None:
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == said + "\n"


# ---- zoo sample


def test_seed_numbers_are_drawn_and_named(cli, runs):
    said = cli("sample", runs / "dcgan", "--seeds", "3,17,20-22", "--out", "x.npy")
    succeeded(said, "5 pictures of dcgan, step 4, seeds 3,17,20-22: x.npy")
    drawn = zoo.load(runs / "dcgan").images(seeds=[3, 17, 20, 21, 22])
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], arrays(drawn))


def test_numbered_pictures_are_those_of_the_numbers_below_them(cli, runs):
    succeeded(
        cli("sample", runs / "dcgan", "--numbered", "--n", 6), "6 pictures of dcgan, step 4, seeds 0-5: samples.png"
    )
    expected = zoo.load(runs / "dcgan").sample(seeds=range(6)).grid(numbered=True)
    np.testing.assert_array_equal(picture("samples.png"), np.asarray(expected))
    assert expected.size == (2 * 58 + 2, 3 * 76 + 2)
    assert cli("sample", runs / "dcgan", "--numbered", "--seeds", "0-5", "--out", "same.png").code == 0
    np.testing.assert_array_equal(picture("same.png"), picture("samples.png"))
    assert cli("sample", runs / "dcgan", "--numbered", "--out", "many.npy").code == 0
    assert len(np.load("many.npy")) == 64


def test_a_conditional_sheet_has_a_column_for_each_class_of_its_numbers(cli, runs):
    assert cli("sample", runs / "cgan", "--numbered", "--n", 6).code == 0
    expected = zoo.load(runs / "cgan").sample(seeds=range(6))
    assert expected.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert expected.grid().size[0] == 3 * 58 + 2
    np.testing.assert_array_equal(picture("samples.png"), np.asarray(expected.grid(numbered=True)))


def test_all_classes_of_the_same_numbers_are_rows(cli, runs):
    succeeded(
        cli("sample", runs / "cgan", "--all-classes", "--seeds", "4,9", "--out", "x.png"),
        "6 pictures of cgan, step 4, seeds 4,9: x.png",
    )
    assert picture("x.png").shape == (3 * 58 + 2, 2 * 58 + 2)
    assert cli("sample", runs / "cgan", "--all-classes", "--numbered", "--out", "y.npy").code == 0
    assert len(np.load("y.npy")) == 3 * 8


def test_the_best_of_a_batch_and_of_numbers(cli, runs):
    succeeded(
        cli("sample", runs / "dcgan", "--n", 5, "--best-of", 4, "--seed", 2, "--out", "x.npy"),
        "5 pictures of dcgan, step 4, seed 2, the best of 4 times as many: x.npy",
    )
    generator = zoo.load(runs / "dcgan")
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], arrays(generator.images(5, seed=2, best_of=4)))
    assert cli("sample", runs / "dcgan", "--n", 5, "--best-of", 4, "--numbered", "--out", "x.npz").code == 0
    best = generator.sample(seeds=range(20), best_of=4)
    with np.load("x.npz") as written:
        assert sorted(written) == ["images", "seeds"]
        assert written["seeds"].tolist() == best.seeds
        np.testing.assert_array_equal(written["images"][..., 0], arrays(best.pictures()))
    assert cli("sample", runs / "dcgan", "--seeds", "0-19", "--best-of", 4, "--out", "y.npy").code == 0
    np.testing.assert_array_equal(np.load("y.npy")[..., 0], arrays(best.pictures()))


def test_truncation_and_class_and_columns(cli, runs):
    assert (
        cli("sample", runs / "cgan", "--class", "2", "--seeds", "1-4", "--truncation", 0.5, "--out", "x.npy").code == 0
    )
    drawn = zoo.load(runs / "cgan").images(seeds=range(1, 5), labels=[2], truncation=0.5)
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], arrays(drawn))
    for columns in (5, 6, 10**12):
        assert cli("sample", runs / "dcgan", "--n", 5, "--columns", columns).code == 0
        assert picture("samples.png").shape == (60, 5 * 58 + 2), "no wider than its pictures"
    assert cli("sample", runs / "dcgan", "--seeds", "3,17,21").code == 0
    assert picture("samples.png").shape == (60, 3 * 58 + 2)


def test_the_files_of_a_folder_carry_seeds_and_classes(cli, runs):
    assert cli("sample", runs / "dcgan", "--seeds", "17,3", "--out", "plain").code == 0
    assert sorted(os.listdir("plain")) == ["0000-seed-17.png", "0001-seed-3.png"]
    np.testing.assert_array_equal(
        picture("plain/0001-seed-3.png"), arrays(zoo.load(runs / "dcgan").images(seeds=[3]))[0]
    )
    assert cli("sample", runs / "cgan", "--seeds", "17,3,17", "--out", "deep/er/classes").code == 0
    assert sorted(os.listdir("deep/er/classes")) == [
        "0000-seed-17-class-2.png", "0001-seed-3-class-0.png", "0002-seed-17-class-2.png"
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["sample", "interpolate"])
def test_a_folder_that_holds_pictures_gets_no_others(cli, runs, command):
    words = [command, runs / "dcgan", "--seeds", "3,4", "--out", "pictures"]
    Path("pictures").mkdir()
    Path("pictures/notes.txt").write_text("of mine")
    assert cli(*words).code == 0
    before = sorted(os.listdir("pictures"))
    held = len(before) - 1
    assert_refused(cli(*words), "--out pictures", f"{held} pictures", "empty folder")
    assert sorted(os.listdir("pictures")) == before


def test_an_archive_of_labelled_samples_can_be_trained_on(cli, runs):
    assert cli("sample", runs / "cgan", "--all-classes", "--n", 8, "--out", "x.npz").code == 0
    with np.load("x.npz") as written:
        assert written["labels"].tolist() == [label for label in range(3) for _ in range(8)]
        assert written["images"].dtype == np.uint8
    outcome = cli("train", "cgan", "--data", "x.npz", "--width", 2, "--batch-size", 8, "--steps", 1, "--out", "again")
    assert outcome.code == 0, outcome


@pytest.mark.parametrize("count", [1, 2, 3, 7, 13])
@pytest.mark.parametrize("numbered", [[], ["--numbered"]])
def test_any_count_makes_a_grid(cli, runs, count, numbered):
    assert cli("sample", runs / "dcgan", "--n", count, *numbered).code == 0
    assert picture("samples.png").min() >= 0


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--best-of", 0], ["--best-of 0", "at least 1"]),
        (["--seeds", "0-4", "--best-of", 9], ["every 9", "5 were given"]),
        (["--truncation", 0], ["--truncation 0", "above 0"]),
        (["--truncation", -1], ["--truncation -1", "above 0"]),
        (["--truncation", "nan"], ["--truncation nan", "above 0"]),
        (["--truncation", "inf"], ["--truncation inf", "above 0"]),
        (["--columns", 0], ["--columns 0", "at least 1"]),
        (["--out", ""], ["--out is empty", "give a name", "leave it out"]),
        (["--out="], ["--out is empty"]),
        (["--seeds", "3,x"], ["--seeds '3,x'", "'x' is no seed number", "3,17,21 or 0-63"]),
        (["--seeds", ""], ["--seeds ''", "empty place"]),
        (["--seeds", "1,2", "--n", 2], ["--n and --seeds", "give one"]),
        (["--seeds", "1,2", "--seed", 2], ["--seed 2", "give --seeds"]),
        (["--numbered", "--seed", 0], ["--seed 0", "give --seeds"]),
        (["--numbered", "--n", 10**7], ["more than 1,000,000"]),
        (["--numbered", "--n", 10**30], ["--numbered"]),
        (["--class", "1"], ["dcgan draws without labels", "cgan"]),
        (["--all-classes", "--seeds", "1"], ["dcgan draws without labels", "cgan"]),
        (["--all-classes", "--labels", "1"], ["--labels and --all-classes"]),
        (["--out", "x.tiff"], ["--out x.tiff", "NAME.png, NAME.jpg, NAME.jpeg, NAME.npy or NAME.npz", "folder"]),
        (["--n", 10**12], ["not enough memory", "GiB", "fewer"]),
        (["--n", 10**30], ["not enough memory", "fewer"]),
        (["--best-of", 10**12], ["not enough memory", "fewer"]),
    ],
    ids=str,
)  # fmt: skip
def test_sample_refuses_what_does_not_fit(cli, runs, arguments, parts):
    if "memory" in parts[0] and memory.available_memory() is None:
        pytest.skip("this system does not tell how much memory is left")
    assert_refused(cli("sample", runs / "dcgan", *arguments), *parts)
    assert os.listdir() == []


def test_uniform_latents_take_no_truncation_above_one(cli, runs):
    assert_refused(cli("sample", runs / "uniform", "--truncation", 2), "truncation 2:", "uniform", "up to 1")
    assert cli("sample", runs / "uniform", "--truncation", 0.9).code == 0


def test_labels_out_of_range(cli, runs):
    assert_refused(cli("sample", runs / "cgan", "--class", 3), "label 3", "3 classes", "0 to 2")
    assert_refused(cli("sample", runs / "cgan", "--class", "cat"), "unknown class 'cat'")


@pytest.fixture
def broken(runs) -> Path:
    shutil.copytree(runs / "dcgan", "run")
    for _, folder in zoo.Run("run").checkpoints:
        (folder / "discriminator.safetensors").unlink()
    return Path("run")


def test_a_run_whose_discriminator_is_missing(cli, broken):
    assert_refused(
        cli("sample", broken, "--best-of", 3),
        "step-00000004 lacks discriminator.safetensors",
        "put that back",
    )


def test_a_run_whose_discriminator_is_damaged(cli, runs):
    shutil.copytree(runs / "dcgan", "run")
    (zoo.Run("run").latest()[1] / "discriminator.safetensors").write_bytes(b"no")
    assert_refused(cli("sample", "run", "--best-of", 3, "--out", "x.png"), "discriminator.safetensors cannot be read")
    assert cli("sample", "run", "--out", "x.png").code == 0


# ---- zoo interpolate


def test_interpolate_writes_a_strip_and_a_film(cli, runs):
    succeeded(
        cli("interpolate", runs / "dcgan", "--seeds", "3,17,21"),
        "seeds 3,17,21 of dcgan, step 4: interpolation.png and interpolation.gif",
    )
    assert picture("interpolation.png").shape == (2 * 76 + 2, 9 * 58 + 2)
    with Image.open("interpolation.gif") as film:
        assert film.n_frames <= 2 * 24 + 1
        assert film.size == (224, 224)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.gif", "x.apng", "x.npy", "folder", "deep/er/x.gif"])
def test_interpolate_writes_what_the_suffix_says(cli, runs, name):
    assert cli("interpolate", runs / "dcgan", "--seeds", "3,17", "--frames", 5, "--out", name).code == 0
    way = zoo.load(runs / "dcgan").interpolate([3, 17], 5)
    pixels = arrays(zoo.generate.to_pictures(way))
    assert [path.name for path in Path().iterdir()] == [Path(name).parts[0]]
    if name == "x.npy":
        np.testing.assert_array_equal(np.load(name)[..., 0], pixels)
    elif name == "folder":
        assert sorted(os.listdir(name)) == [f"{index:04d}.png" for index in range(5)]
        np.testing.assert_array_equal(picture("folder/0003.png"), pixels[3])
    elif name == "x.png":
        assert picture(name)[30, 30 : 5 * 58 : 58].tolist() == pixels[:, 4, 4].tolist()
    elif name == "x.apng":
        with Image.open(name) as film:
            np.testing.assert_array_equal(np.asarray(film.convert("L"))[::28, ::28], pixels[0])


def test_interpolate_goes_the_way_that_is_asked_for(cli, runs):
    generator = zoo.load(runs / "dcgan")
    for flags, spherical in (([], True), (["--spherical"], True), (["--linear"], False)):
        assert cli("interpolate", runs / "dcgan", "--seeds", "3,17", "--frames", 7, *flags, "--out", "x.npy").code == 0
        expected = zoo.generate.to_pixels(generator.interpolate([3, 17], 7, spherical=spherical))
        np.testing.assert_array_equal(np.load("x.npy"), expected)


def test_interpolate_takes_one_class_or_one_for_each_seed(cli, runs):
    generator = zoo.load(runs / "cgan")
    for text, labels in (("1", [1]), ("0, 2", [0, 2])):
        words = ["--seeds", "3,17", "--frames", 4, "--class", text, "--truncation", 1, "--out", "x.npy"]
        assert cli("interpolate", runs / "cgan", *words).code == 0
        expected = zoo.generate.to_pixels(generator.interpolate([3, 17], 4, labels, truncation=1))
        np.testing.assert_array_equal(np.load("x.npy"), expected)


@pytest.mark.parametrize(
    ("run", "arguments", "parts"),
    [
        ("dcgan", ["--seeds", "3"], ["1 seed: there is no way", "at least two, as in 3,17"]),
        ("dcgan", ["--seeds", "3,4", "--out", ""], ["--out is empty"]),
        ("dcgan", ["--seeds", "3;4"], ["--seeds '3;4'", "'3;4' is no seed number"]),
        ("dcgan", ["--seeds", "3,4", "--frames", 1], ["--frames 1:", "ask for 2", "up to 10000"]),
        ("dcgan", ["--seeds", "3,4", "--frames", 10**9], ["--frames 1000000000:", "up to 10000"]),
        ("dcgan", ["--seeds", "3,4", "--linear", "--spherical"], ["--spherical and --linear"]),
        ("dcgan", ["--seeds", "3,4", "--class", 1], ["dcgan draws without labels", "cgan"]),
        ("dcgan", ["--seeds", "3,4", "--out", "x.mp4"], ["--out x.mp4", "NAME.gif", "NAME.apng", "folder"]),
        ("dcgan", ["--seeds", "3,4", "--truncation", 0], ["--truncation 0"]),
        ("cgan", ["--seeds", "3,4"], ["cgan draws classes", "--class", "0, 1, 2"]),
        ("cgan", ["--seeds", "3,4", "--class", "1,2,0"], ["3 classes were given; give one, or 2"]),
        ("cgan", ["--seeds", "3,4", "--class", "1,"], ["--class '1,'", "empty place"]),
        ("cgan", ["--seeds", "3,4", "--class", "5"], ["label 5 is not one of the 3"]),
    ],
    ids=str,
)
def test_interpolate_refuses_what_does_not_fit(cli, runs, run, arguments, parts):
    assert_refused(cli("interpolate", runs / run, *arguments), *parts)
    assert os.listdir() == []


# ---- zoo arithmetic


def test_arithmetic_draws_an_equation(cli, runs):
    text = "mean(3,17,21) - mean(5,9) + mean(2,8)"
    succeeded(cli("arithmetic", runs / "dcgan", text), f"{text} of dcgan, step 4: arithmetic.png")
    np.testing.assert_array_equal(
        picture("arithmetic.png"), np.asarray(zoo.load(runs / "dcgan").arithmetic(text).picture())
    )


@pytest.mark.parametrize("text", ["-mean(3,17) + 5", "-3 + 5", "- 3", "-(3)", " 3 ", "-3", "--3"])
def test_an_expression_may_begin_with_a_minus_sign_or_with_blanks(cli, runs, text):
    assert cli("arithmetic", runs / "dcgan", text, "--out", "x.jpg").code == 0
    assert cli("arithmetic", "--out", "y.png", runs / "dcgan", text).code == 0


def test_arithmetic_of_a_class(cli, runs):
    assert cli("arithmetic", runs / "cgan", "3 - 4 + 5", "--class", 2, "--out", "x.png").code == 0
    expected = zoo.load(runs / "cgan").arithmetic("3 - 4 + 5", 2).picture()
    np.testing.assert_array_equal(picture("x.png"), np.asarray(expected))


def test_an_expression_that_does_not_parse_is_pointed_at_before_anything_is_loaded(cli):
    outcome = cli("arithmetic", "nowhere", "mean(3, 17 - mean(5")
    assert_refused(outcome, "this bracket is never closed", lines=3)
    assert outcome.err.splitlines()[1:] == ["  mean(3, 17 - mean(5", "                   ^"]


@pytest.mark.parametrize(
    ("run", "arguments", "parts"),
    [
        ("dcgan", ["3", "--out", "x.npy"], ["--out x.npy", "NAME.png, NAME.jpg or NAME.jpeg"]),
        ("dcgan", ["3", "--out", "folder"], ["--out folder", "no suffix", "NAME.png"]),
        ("dcgan", ["3", "--out", ""], ["--out is empty"]),
        ("dcgan", ["3", "--out", "."], ["--out .", "it is a folder"]),
        ("dcgan", ["3", "--class", "1"], ["dcgan draws without labels", "cgan"]),
        ("dcgan", ["3", "--truncation", "-2"], ["--truncation -2"]),
        ("cgan", ["3"], ["cgan draws classes", "--class", "0, 1, 2"]),
        ("cgan", ["3", "--class", "seven"], ["unknown class 'seven'"]),
    ],
    ids=str,
)
def test_arithmetic_refuses_what_does_not_fit(cli, runs, run, arguments, parts):
    assert_refused(cli("arithmetic", runs / run, *arguments), *parts)
    assert os.listdir() == []


# ---- places that cannot be written


COMMANDS = {"sample": [], "interpolate": ["--seeds", "3,4"], "arithmetic": ["3 - 4"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_in_a_file_is_refused_before_anything_is_drawn(cli, command):
    Path("file").write_text("mine")
    assert_refused(
        cli(command, "nowhere", *COMMANDS[command], "--out", "file/x.png"), "cannot write file/x.png", "--out"
    )
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_without_permission_is_refused_before_anything_is_drawn(cli, command, monkeypatch):
    Path("locked").mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked" and access(path, mode))
    outcome = cli(command, "nowhere", *COMMANDS[command], "--out", "locked/deep/x.png")
    assert_refused(outcome, "cannot write locked/deep/x.png", "no permission")
    assert os.listdir("locked") == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_with_an_impossible_name(cli, runs, command):
    out = "x" * 300 + ".png"
    assert_refused(cli(command, runs / "dcgan", *COMMANDS[command], "--out", out), "cannot write xxx", "--out")


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.npy", "folder"])
def test_a_full_disk_leaves_nothing_half_written(cli, runs, name, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    outcome = cli("interpolate", runs / "dcgan", "--seeds", "3,4", "--out", name)
    assert_refused(outcome, f"cannot write {name}", "the disk is full")
    assert [path for path in Path().rglob("*") if path.is_file()] == []


# ---- a run on points


def test_a_run_on_points_writes_numbers_and_no_pictures(cli):
    """Where the data is points, there is nothing to look at in a picture of 1×2 pixels."""
    words = ["--data", "ring", "--steps", 2, "--batch-size", 8, "--latent", 4, "--out", "run"]
    assert cli("train", "vanilla", *words).code == 0
    assert cli("sample", "run", "--n", 5, "--out", "x.npy").code == 0
    drawn = np.load("x.npy")
    assert (drawn.shape, drawn.dtype) == ((5, 2), np.float32)
    np.testing.assert_array_equal(drawn, next(iter(zoo.load("run").stream(5))).images.flatten(1).numpy())
    np.testing.assert_allclose(drawn, zoo.load("run")(5).flatten(1).numpy(), rtol=0, atol=1e-5)
    assert cli("interpolate", "run", "--seeds", "3,4", "--frames", 3, "--out", "y.npy").code == 0
    assert np.load("y.npy").shape == (3, 2)
    for command, more in COMMANDS.items():
        assert_refused(cli(command, "run", *more, "--out", "x.png"), "--out x.png", "points in the plane", "NAME.npy")


# ---- as a process


def test_real_processes_draw_the_same_as_python(runs):
    done = zoo_process("sample", runs / "dcgan", "--seeds", "3", "--out", "x.npy")
    assert (done.code, done.err) == (0, "")
    done = zoo_process("arithmetic", runs / "dcgan", "-mean(3,4)+5", "--out", "x.png")
    assert (done.code, done.err) == (0, "")
    assert Path("x.png").is_file()
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], arrays(zoo.load(runs / "dcgan").images(seeds=[3])))


def test_from_python_points_make_no_pictures_either():
    run = zoo.train("vanilla", data="ring", out="run", **tiny("vanilla", steps=1))
    generator = zoo.load(run)
    samples, result = generator.sample(seeds=[3, 4]), generator.arithmetic("3 + 5")
    assert samples.images.shape == (2, 1, 1, 2)
    assert result.image.shape == (1, 1, 2)
    for ask in (lambda: generator.images(2), samples.grid, samples.pictures, result.picture):
        with pytest.raises(OptionError, match=saying("points", "take the numbers")):
            ask()
