"""Runs of four channels: what is drawn keeps its alpha where it is one picture, and lies over a checkerboard where it is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import assert_refused, flags, tiny

import zoo
from zoo.generate import make_grid, to_pictures, to_pixels
from zoo.generate.pictures.checkerboard import DARKER, LIGHT, over_checkerboard
from zoo.generate.pictures.grid import save
from zoo.generate.sampling import straight


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Four steps on pictures with alpha."""
    folder = tmp_path_factory.mktemp("transparent")
    random = np.random.default_rng(0)
    np.savez(folder / "sprites.npz", images=random.integers(0, 256, (24, 8, 12, 4), np.uint8), labels=np.arange(24) % 2)
    options = tiny("cgan", channels=4, size=(12, 8), augment=("color", "cutout"), checkpoint_every=2)
    return zoo.train("cgan", data=str(folder / "sprites.npz"), out=folder / "run", **options).path


def of(file) -> tuple[str, tuple[int, int]]:
    """Mode and size of a picture."""
    with Image.open(file) as picture:
        return picture.mode, picture.size


def test_a_picture_is_written_with_its_alpha(cli, run):
    assert cli("sample", run, "--n", 3, "--out", "pictures").code == 0
    assert [of(file) for file in sorted(Path("pictures").iterdir())] == [("RGBA", (12, 8))] * 3
    assert [picture.mode for picture in zoo.load(run).images(2)] == ["RGBA"] * 2


def test_arrays_hold_four_channels_and_can_be_trained_on(cli, run):
    assert cli("sample", run, "--n", 6, "--seed", 2, "--out", "six.npz").code == 0
    content = np.load("six.npz")
    assert content["images"].shape == (6, 8, 12, 4)
    np.testing.assert_array_equal(content["images"], to_pixels(zoo.load(run)(6, seed=2)))
    options = flags(tiny("dcgan", batch_size=6, steps=1, channels=4, size="12x8"))
    assert cli("train", "dcgan", "--data", "six.npz", *options, "--out", "again").code == 0
    assert zoo.load("again")(1).shape == (1, 4, 8, 12)


def test_what_is_shown_lies_over_a_checkerboard(cli, run):
    for command in (
        f"sample {run} --n 4 --out grid.png",
        f"sample {run} --n 4 --out grid.jpg",
        f"interpolate {run} --seeds 1,2 --class 0 --out way.png",
        f"arithmetic {run} 1-2 --class 0 --out sum.png",
    ):
        outcome = cli(*command.split())
        assert outcome.code == 0, outcome
        assert of(command.split()[-1])[0] == "RGB"
    for film, mode in (("way.gif", "P"), ("way.apng", "RGB")):
        assert cli("interpolate", run, "--seeds", "1,2", "--class", 0, "--frames", 3, "--out", film).code == 0
        assert of(film)[0] == mode
    assert of(sorted((run / "samples").glob("*.png"))[-1])[0] == "RGB"


def test_the_checkerboard_shows_through_as_much_as_alpha_says():
    clear = np.zeros((1, 4, 28, 28), np.float32) - 1
    levels = {LIGHT, DARKER}
    grid = np.asarray(make_grid(torch.from_numpy(clear)))
    assert set(np.unique(grid[2:-2, 2:-2])) == levels
    pixels = np.array([[[200, 10, 30, 255], [200, 10, 30, 0], [200, 10, 30, 128]]], np.uint8)
    seen = over_checkerboard(pixels)
    assert seen[0].tolist() == [
        [200, 10, 30],
        [LIGHT] * 3,
        [(c * 128 + LIGHT * 127 + 127) // 255 for c in (200, 10, 30)],
    ]


def test_a_jpeg_has_no_transparency_and_is_over_white(tmp_path):
    picture = to_pictures(torch.tensor([-1.0, -1, -1, -1]).view(1, 4, 1, 1).expand(1, 4, 8, 8))[0]
    assert picture.mode == "RGBA"
    save(picture, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as written:
        assert np.asarray(written).min() == 255


def test_networks_see_premultiplied_colours_and_people_get_straight_ones():
    # alpha, a colour multiplied with it, and the colour that it is: all as shares
    shares = torch.tensor([[1.0, 0.3, 0.3], [0.5, 0.25, 0.5], [0.5, 0.9, 1.0], [0.001, 0.001, 0.0], [0.0, 0.7, 0.0]])
    images = (torch.cat([shares[:, 1:2].expand(-1, 3), shares[:, :1]], 1) * 2 - 1)[:, :, None, None]
    drawn = (straight(images) + 1) / 2
    torch.testing.assert_close(drawn[:, 0, 0, 0], shares[:, 2])
    torch.testing.assert_close(drawn[:, 3, 0, 0], shares[:, 0])
    colour = torch.rand(2, 3, 4, 4)
    assert straight(colour) is colour


def test_metrics_compare_what_is_drawn_with_the_data_in_the_same_colours(run):
    from zoo.evaluate.context import RunContext

    generator = zoo.load(run)
    real = RunContext(generator, generator.options.data, 24).real(24)
    stored = np.load(generator.options.data)["images"]
    seen = stored[..., 3] > 128
    given = to_pixels(real)
    assert np.abs(given.astype(int) - stored)[seen].max() <= 1


def test_the_reader_of_digits_refuses_transparent_ones_in_words(cli):
    options = flags(tiny("dcgan", channels=4, steps=1, size=28))
    assert cli("train", "dcgan", *options, "--out", "digits").code == 0
    assert_refused(
        cli("evaluate", "digits", "--metric", "digits"),
        "it reads grey images of 28×28, and the run draws transparent images of 28×28",
    )


def test_a_run_is_resumed_and_exported(cli, run, tmp_path):
    assert cli("resume", run, "--steps", 6).code == 0
    assert cli("export", run, "--out", tmp_path / "g.pt2").code == 0
    facts = {"zoo.json": ""}
    program = torch.export.load(str(tmp_path / "g.pt2"), extra_files=facts)
    assert "premultiplied" in facts["zoo.json"]
    generator = zoo.load(run)
    latents = generator.latents(2)
    labels = torch.tensor([0, 1])
    torch.testing.assert_close(
        straight(program.module()(latents, labels)), generator.draw(latents, labels), rtol=1e-3, atol=1e-3
    )


def test_the_same_run_twice_is_the_same(run, tmp_path):
    options = tiny("cgan", channels=4, size=(12, 8), augment=("color", "cutout"), checkpoint_every=2)
    again = zoo.train("cgan", data=str(run.parent / "sprites.npz"), out=tmp_path / "again", **options)
    first, second = (zoo.load(path, step=4)(4, seed=1) for path in (run, again.path))
    assert torch.equal(first, second)
