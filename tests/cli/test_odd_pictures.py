"""`zoo train FOLDER` on what people bring: too few, too many, all the same, tiny, huge, mixed. It works, or says what would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.engine.recommending import choose

SMALL = ("--steps", 2, "--width", 2, "--samples", 4, "--device", "cpu", "--out", "run")


def draw(folder: Path, count: int, size: int = 16, grey: bool = False, name: str = "p") -> Path:
    """So many noisy pictures in a folder."""
    random = np.random.default_rng(count)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        shape = (size, size) if grey else (size, size, 3)
        if size > 256:
            pixels = np.broadcast_to(random.integers(0, 255, 3).astype(np.uint8), shape).copy()
            pixels[: size // 2] = 255 - pixels[: size // 2]
        else:
            pixels = random.integers(0, 255, shape).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}{number:04}.png")
    return folder


def trained(cli, folder: Path, *more: object) -> tuple[str, dict]:
    """What is said of a training on the folder, and its config.json."""
    outcome = cli("train", folder, *SMALL, *more)
    assert outcome.code == 0, outcome
    assert outcome.err == ""
    return outcome.out, json.loads(Path("run/config.json").read_text())


@pytest.mark.parametrize(("count", "batch"), [(12, 8), (2, 2), (1, 1)])
def test_few_pictures_are_learnt_in_smaller_batches_with_advice(count, batch, cli, tmp_path):
    out, config = trained(cli, draw(tmp_path / "few", count))
    assert config["options"]["batch_size"] == batch
    assert f"--batch-size {batch}" in out
    assert f"{count} image{'s are' if count > 1 else ' is'} few" in out
    for advice in ("--from RUN --freeze-d 3", "--augment translation cutout", "may be copies"):
        assert advice in out


def test_the_advice_leaves_out_what_is_done(cli, tmp_path):
    out, _ = trained(cli, draw(tmp_path / "few", 20), "--augment", "translation")
    assert "--augment translation cutout" not in out
    shutil.move("run", "first")
    out, _ = trained(cli, tmp_path / "few", "--from", "first")
    assert "--freeze-d 3 keeps D's first layers as that run has them" in out
    shutil.rmtree("run")
    out, _ = trained(cli, tmp_path / "few", "--from", "first", "--freeze-d", 1)
    assert "are few" not in out


def test_a_batch_size_by_hand_that_is_too_large_is_refused(cli, tmp_path):
    outcome = cli("train", draw(tmp_path / "few", 20), "--batch-size", 21)
    assert outcome.code == 2
    assert "--batch-size 21 is larger than the data (20 images); choose at most 20" in outcome.err


def test_one_picture_a_thousand_times_is_told_of(cli, tmp_path):
    folder = draw(tmp_path / "same", 1)
    for number in range(999):
        shutil.copy(folder / "p0000.png", folder / f"copy{number}.png")
    said = (
        "999 of 1,000 images are copies of others, only 1 is different: what comes often is drawn often, and there is"
    )
    assert said in trained(cli, folder)[0]
    shutil.rmtree("run")
    assert said in trained(cli, folder)[0], "of prepared data too"


def test_a_few_copies_are_nobodys_trouble(cli, tmp_path):
    folder = draw(tmp_path / "some", 60)
    shutil.copy(folder / "p0000.png", folder / "again.png")
    assert "copies of others" not in trained(cli, folder)[0]


def test_three_hundred_thousand_pictures_are_not_read_to_choose(cli, tmp_path, monkeypatch):
    with (tmp_path / "many.npz").open("wb") as file:
        np.savez(file, images=np.tile(np.arange(250, dtype=np.uint8)[:, None, None], (1200, 8, 8)))
    monkeypatch.setattr("zoo.data.formats.array_file.ArrayFile.rows", lambda *_: pytest.fail("it is read"))
    found = choose("many.npz", device=lambda _: "cpu")
    assert (found.architecture, found.recommendation.preset, len(found.source)) == ("dcgan", "mnist", 300_000)
    assert "Chosen for many.npz" in cli("train", "many.npz", "--help").out
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    out, config = trained(cli, Path("many.npz"))
    assert config["data"]["images"] == 300_000
    assert "299,750 of 300,000 images are copies of others, only 250 are different" in out


@pytest.mark.parametrize(("size", "learnt"), [(8, 8), (2048, 64)])
def test_tiny_and_huge_pictures_are_learnt_at_a_size_that_is_told(size, learnt, cli, tmp_path):
    out, config = trained(cli, draw(tmp_path / "sized", 6, size))
    assert (config["data"]["height"], config["data"]["width"]) == (learnt, learnt)
    assert f"for {learnt}×{learnt} colour" in out
    assert ("2048×2048×3 images are resized to 64×64" in out) == (size > learnt)


def test_grey_pictures_among_colour_are_colour(cli, tmp_path):
    draw(draw(tmp_path / "mixed", 12), 5, grey=True, name="grey")
    _, config = trained(cli, tmp_path / "mixed")
    assert (config["data"]["channels"], config["data"]["images"], config["data"]["skipped"]) == (3, 17, 0)


def test_labels_with_one_picture_each_play_no_part_and_that_is_said(cli, tmp_path):
    for number in range(30):
        draw(tmp_path / f"labelled/kind{number}", 1)
    out, config = trained(cli, tmp_path / "labelled")
    assert config["architecture"] == "dcgan"
    assert "30 pictures, whose 30 classes play no part (some 1 of each)" in out


def test_classes_with_enough_pictures_each_are_learnt_and_can_be_balanced(cli, tmp_path):
    for kind, count in (("cat", 180), ("dog", 20)):
        draw(tmp_path / f"labelled/{kind}", count, 8)
    out, config = trained(cli, tmp_path / "labelled", "--balance")
    assert (config["architecture"], config["options"]["balance"]) == ("cgan", True)
    assert "cgan, preset small" in out
    assert "others that offer themselves: icgan, dcgan (zoo list)" in out
