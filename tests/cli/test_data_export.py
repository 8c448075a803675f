"""zoo data export: prepared images for other tools, which read back as they were."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from messages import assert_says
from PIL import Image
from support import assert_refused

import zoo
from zoo.cli.counting import Counting

NAMES = ["cat", "dog"]


@pytest.fixture
def photos() -> Path:
    """Colour pictures of mixed sizes in two classes."""
    random = np.random.default_rng(0)
    for place, (height, width) in enumerate([(20, 30), (40, 24), (33, 33), (16, 48)]):
        folder = Path("photos") / NAMES[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(folder / f"{place}.png")
    return Path("photos")


def stored(location: str, *shape: int) -> zoo.data.ImageStore:
    source = zoo.data.open_source(location)
    return zoo.data.prepare(source, zoo.DataSpec(*(shape or (source.channels, source.height, source.width))))


def test_a_folder_of_classes_reads_back_pixel_by_pixel(cli, photos):
    outcome = cli("data", "export", photos, "--size", 16, "--out", "real")
    assert (outcome.code, outcome.out) == (0, "4 images of 16×16, 2 classes, of photos: real\n")
    assert "mixed sizes are resized to 16×16" in outcome.err
    assert sorted(path.as_posix() for path in Path("real").rglob("*.png")) == [
        "real/cat/0000.png", "real/cat/0001.png", "real/dog/0002.png", "real/dog/0003.png"
    ]  # fmt: skip
    before, after = stored("photos", 3, 16, 16), stored("real")
    np.testing.assert_array_equal(before.images, after.images)
    np.testing.assert_array_equal(before.labels, after.labels)
    assert before.class_names == after.class_names == NAMES


@pytest.mark.parametrize("out", ["real.npz", "real.npy"])
def test_arrays_read_back_with_their_labels(cli, photos, out):
    assert cli("data", "export", photos, "--size", 16, "--fit", "stretch", "--channels", 1, "--out", out).code == 0
    source = zoo.data.open_source("photos")
    before = zoo.data.prepare(source, zoo.DataSpec(1, 16, 16), fit="stretch")
    after = stored(out)
    np.testing.assert_array_equal(before.images, after.images)
    np.testing.assert_array_equal(before.labels, after.labels)
    assert after.class_names == NAMES


def test_images_without_classes_lie_in_the_folder_itself_and_keep_their_size(cli):
    images = np.random.default_rng(0).integers(0, 255, (70, 10, 6), dtype=np.uint8)
    np.save("x.npy", images)
    assert cli("data", "export", "x.npy", "--out", "real").code == 0
    np.testing.assert_array_equal(stored("real").images[..., 0], images)
    assert len(os.listdir("real")) == 70


def test_mixed_sizes_become_those_of_training(cli, photos):
    assert cli("data", "export", photos, "--out", "real").code == 0
    assert stored("real").images.shape == (4, 64, 64, 3)


def test_points_are_numbers(cli):
    assert cli("data", "export", "line", "--out", "x.npy").code == 0
    assert np.load("x.npy").dtype == np.float32
    assert_refused(cli("data", "export", "line", "--out", "x"), "--out x", "points", "NAME.npy")


def test_what_folders_cannot_keep_is_said(cli):
    images = np.random.default_rng(0).integers(0, 255, (4, 8, 8), dtype=np.uint8)
    np.savez("x.npz", images=images, labels=[0, 0, 2, 2], class_names=["b/1", "empty", "a"])
    outcome = cli("data", "export", "x.npz", "--out", "real")
    assert outcome.code == 0
    assert_says(outcome.err, "read back in another order", "NAME.npz keeps all of it")
    assert sorted(os.listdir("real")) == ["a", "b%2F1", "empty"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--out", "photos/real"], ["--out photos/real lies in the data", "another place"]),
        (["--out", "x.png"], ["--out x.png", "NAME.npz", "folder"]),
        (["--size", 1, "--out", "x"], ["--size 1", "each from 4 to 4096 pixels"]),
        (["--start", 4, "--out", "x"], ["--start 4", "4 images, 0 to 3"]),
        (["--start", -1, "--out", "x"], ["--start -1"]),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(cli, photos, words, parts):
    assert_refused(cli("data", "export", photos, *words), *parts)
    assert os.listdir() == ["photos"]


def test_data_that_is_not_there(cli):
    assert_refused(cli("data", "export", "nowhere/x", "--out", "x"), "'nowhere/x' does not exist")


def test_strict_stops_at_the_first_that_cannot_be_read(cli, photos):
    (photos / "cat" / "9.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert_refused(cli("data", "export", photos, "--strict", "--out", "x"), "cat/9.png cannot be read", "--strict")
    assert cli("data", "export", photos, "--out", "x").code == 0


def test_a_signal_leaves_whole_images_and_the_command_that_goes_on(cli, monkeypatch):
    images = np.random.default_rng(0).integers(0, 255, (300, 8, 8), dtype=np.uint8)
    np.savez("x.npz", images=images, labels=np.arange(300) % 3)
    with monkeypatch.context() as patch:
        patch.setattr(Counting, "reach", lambda self, done: 128 <= done < 300 and signal.raise_signal(signal.SIGINT))
        outcome = cli("data", "export", "x.npz", "--out", "real")
    assert outcome.code == 130
    held = len(list(Path("real").rglob("*.png")))
    assert f"{held} of 300 pictures are in real" in outcome.err
    again = cli(*outcome.err.strip().partition("go on with: zoo ")[2].split())
    assert again.code == 0, again
    assert len(list(Path("real").rglob("*.png"))) == 300
    after = stored("real")
    order = np.argsort(np.arange(300) % 3, kind="stable")
    np.testing.assert_array_equal(after.images[..., 0], images[order])
