"""A run on toy data: the whole engine, with scatter pictures in place of grids."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image
from support import Notes, flags, tiny

import zoo
import zoo.cli
from zoo.errors import DataError
from zoo.generate.pictures.scatter import SIDE, scatter
from zoo.run.run import Run


@pytest.mark.parametrize(("data", "coordinates"), [("line", 1), ("ring", 2), ("grid", 2)])
def test_a_run_on_points_trains_draws_and_goes_on(tmp_path, data, coordinates):
    said: list[str] = []
    small = tiny("vanilla", steps=2, sample_every=1)
    run = zoo.train("vanilla", data=data, out=tmp_path / "run", callbacks=[Notes(said)], **small)
    assert run.config["preset"] == "points"
    assert said[0].startswith("preset points, for points ")
    assert run.geometry()[0] == zoo.DataSpec(1, 1, coordinates, points=True)
    assert run.config["data"]["title"] == f"the {data}"
    points = zoo.load(run)(5)
    assert points.shape == (5, 1, 1, coordinates)
    assert points.abs().max() <= 1
    for picture in run.samples:
        with Image.open(picture) as image:
            assert image.size == (SIDE, SIDE)
    assert [picture.stem for picture in run.samples] == ["step-00000000", "step-00000001", "step-00000002"]
    with Image.open(run.path / "samples.gif") as film:
        assert film.n_frames == 3
    zoo.resume(run.path, steps=3)
    assert Run(run.path).latest()[0] == 3


def test_the_command_line_takes_the_preset_for_points(tmp_path, capsys):
    out = tmp_path / "run"
    small = flags(dict(steps=1, batch_size=8, samples=4, out=out))
    assert zoo.cli.run(["train", "vanilla", "--data", "ring", *small]) == 0
    assert Run(out).config["preset"] == "points"
    assert "50,000 points of the ring" in capsys.readouterr().out.replace("\n", " ")


EITHER = """
from typing import Literal
from torch import nn
import zoo


class Either(zoo.Architecture):
    \"\"\"Networks of one size for images, and others for points.\"\"\"

    name = "either"

    class Options(zoo.Options):
        networks: Literal["images", "points"] = "images"

    presets = {"images": {}, "points": dict(networks="points")}
    default_preset = "images"

    def preset_for(self, data):
        return "points" if data.points else "images"

    def sizes(self, options):
        return {"images": [8], "points": None}[options.networks]

    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Tanh(), nn.Unflatten(1, data.shape))

    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))


@zoo.hookimpl
def zoo_register_architectures(register):
    register(Either)
"""


def test_an_architecture_may_have_networks_for_points_beside_those_for_images_of_some_sizes(install, tmp_path):
    install(EITHER, "zoo_either")
    said: list[str] = []
    run = zoo.train("either", data="ring", out=tmp_path / "run", callbacks=[Notes(said)], **tiny("either", steps=1))
    assert run.config["preset"] == "points"
    assert len(said) == 1
    assert re.fullmatch(
        r"preset points, for points in the plane on the [CG]PU: 1 step \(--preset chooses another\)", said[0]
    )
    with pytest.raises(
        DataError, match=r"of the size 8; the ring is points .*: zoo train either --preset points --data ring$"
    ):
        zoo.train("either", preset="images", data="ring", out=tmp_path / "other", **tiny("either", steps=1))


def test_a_run_of_before_there_were_points_is_of_images(tmp_path):
    run = zoo.train("vanilla", out=tmp_path / "run", **tiny("vanilla", steps=1))
    config = json.loads((run.path / "config.json").read_text())
    del config["data"]["points"]
    (run.path / "config.json").write_text(json.dumps(config))
    assert not Run(run.path).geometry()[0].points


@pytest.mark.parametrize("name", ["dcgan", "lsgan", "cgan"])
def test_architectures_for_images_refuse_points(name):
    with pytest.raises(DataError, match=r"(works on images|labelled data), .* points .*zoo train vanilla --data ring$"):
        zoo.train(name, data="ring", **tiny(name))


def colours(picture: Image.Image, at: tuple[float, float]) -> tuple[int, int, int]:
    """The colour of a picture where a point lies."""
    column, row = (round(12 + (value + 1) / 2 * (SIDE - 24)) for value in (at[0], -at[1]))
    return picture.getpixel((column, row))


def test_a_scatter_shows_real_and_generated_points_where_they_are():
    picture = scatter(np.array([[0.5, 0.5]]), np.array([[-0.5, -0.25]]))
    red, _, blue = colours(picture, (0.5, 0.5))
    assert red > blue + 50  # orange: generated
    red, _, blue = colours(picture, (-0.5, -0.25))
    assert blue > red + 30  # blue: real
    assert colours(picture, (0.5, -0.5)) == (255, 255, 255)


def test_a_peak_that_the_frame_cuts_off_is_told_of():
    """The frame is the same in every picture of a run, so that a film does not jump."""
    real = np.linspace(-1, 1, 6000)[:, None]

    def written(share: float) -> bool:
        fake = np.concatenate([np.full((round(6000 * share), 1), -0.5), real[: round(6000 * (1 - share))]])
        corner = np.asarray(scatter(fake, real))[16:32, SIDE // 2 : SIDE - 16].astype(int)
        return bool((corner[..., 0] > corner[..., 2] + 60).any())

    assert written(0.5)
    assert not written(0.0)


def test_points_on_a_line_are_histograms():
    real = np.repeat([[-0.5], [0.5]], 50, axis=0)
    picture = scatter(np.full((100, 1), 0.9), real)
    red, _, blue = colours(picture, (0.5 + 0.01, -0.9))
    assert blue > red + 30
    assert colours(picture, (0.0, -0.9)) == (255, 255, 255)
