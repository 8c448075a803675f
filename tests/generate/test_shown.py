"""What a notebook shows of a run, of a generator and of what it drew."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil

import pytest
import torch
from PIL import Image
from support import tiny

import zoo
from zoo.generate import Samples
from zoo.run.html import LARGEST, picture


def pictures(shown: str) -> list[Image.Image]:
    """The pictures in a piece of HTML."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', shown)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


def text(shown: str) -> str:
    """What a person reads of it."""
    return html.unescape(re.sub(r"<[^>]+>", " ", shown))


def test_samples_are_their_grid(plain, conditional):
    for samples in (plain.sample(9), conditional.sample(6), conditional.sample(2, all_classes=True)):
        shown = Image.open(io.BytesIO(samples._repr_png_()))
        assert shown.tobytes() == samples.grid().tobytes()


def test_many_or_large_samples_are_shown_in_part_and_smaller():
    many = Samples(torch.zeros(3000, 1, 8, 8), torch.zeros(3000, 2))
    large = Samples(torch.rand(4, 3, 1500, 1500) * 2 - 1, torch.zeros(4, 2))
    for samples in (many, large):
        shown = Image.open(io.BytesIO(samples._repr_png_()))
        assert max(shown.size) <= 3200
    assert max(Image.open(io.BytesIO(large._repr_png_())).size) == 1600


def test_samples_say_in_a_line_what_they_are(plain, conditional):
    assert repr(plain.sample(9)) == "Samples(9 images of (1, 8, 8))"
    assert repr(conditional.sample(6)) == "Samples(6 images of (1, 8, 8), of 3 classes)"
    points = Samples(torch.zeros(2, 1, 1, 2), torch.zeros(2, 4), points=True)
    assert points._repr_png_() is None
    assert repr(points) == "Samples(2 points of (1, 1, 2))"


def test_a_generator_is_facts_and_numbered_pictures(plain, conditional):
    for generator in (plain, conditional):
        shown = generator._repr_html_()
        (grid,) = pictures(shown)
        assert grid.tobytes() == generator.sample(seeds=range(8)).grid(numbered=True, columns=8).tobytes()
        assert generator.architecture in text(shown)
        assert "1×8×8" in text(shown)
    assert ", ".join(conditional.class_names) in text(conditional._repr_html_())


def test_a_generator_of_points_is_facts_alone(tmp_path):
    run = zoo.train("vanilla", data="ring", out=tmp_path / "run", **tiny("vanilla", preset="points"))
    shown = zoo.load(run)._repr_html_()
    assert pictures(shown) == []
    assert "points" in text(shown)
    assert len(pictures(run._repr_html_())) == 1


def test_a_network_that_fails_is_told_in_place_of_a_traceback(plain):
    plain.network.forward = None
    assert "failed" in text(plain._repr_html_())


def test_a_run_is_facts_and_its_newest_grid(runs):
    run = zoo.Run(runs / "dcgan")
    shown = run._repr_html_()
    (grid,) = pictures(shown)
    assert grid.tobytes() == Image.open(run.samples[-1]).tobytes()
    for part in (str(run.path), "dcgan", "4 of 4", "24 images", "D loss", "G loss"):
        assert part in text(shown)


def test_everything_in_it_is_escaped(runs, tmp_path):
    shutil.copytree(runs / "dcgan", tmp_path / "<b>")
    config = json.loads((tmp_path / "<b>/config.json").read_text("utf-8"))
    config |= {"preset": "<script>alert(1)</script>", "steps": "<i>", "architecture": '"><img src=x>'}
    config["data"]["title"] = "<u>&"
    (tmp_path / "<b>/config.json").write_text(json.dumps(config), "utf-8")
    shown = zoo.Run(tmp_path / "<b>")._repr_html_()
    assert {name.lower() for name in re.findall(r"<(\w+)", shown)} == {"table", "tr", "th", "td", "img"}
    for part in ("<script>alert(1)</script>", "<u>&", '"><img src=x>', "<i>"):
        assert part in text(shown)


@pytest.mark.parametrize("damage", ["data", "metrics", "samples", "folder", "numbers"])
def test_a_damaged_run_is_shown_as_far_as_it_goes(runs, tmp_path, damage):
    shutil.copytree(runs / "dcgan", tmp_path / "run")
    run = zoo.Run(tmp_path / "run")
    if damage == "data":
        run.config["data"] = None
    elif damage == "metrics":
        (run.path / "metrics.jsonl").write_bytes(b"\xff{[")
    elif damage == "samples":
        run.samples[-1].write_bytes(b"no picture")
    elif damage == "numbers":
        (run.path / "metrics.jsonl").write_text('{"step": null, "d_loss": "x", "g_loss": null}\n', "utf-8")
    else:
        shutil.rmtree(run.path)
    assert "dcgan" in text(run._repr_html_())


def test_a_run_that_has_just_begun_is_shown(runs, tmp_path):
    run = zoo.Run.create(tmp_path / "run", {"architecture": "dcgan", "options": {}, "steps": 7})
    assert "none yet" in text(run._repr_html_())


def test_a_picture_that_is_too_large_for_a_notebook_is_named():
    assert picture(b"x" * (LARGEST + 1), "<name>") == "<p>&lt;name&gt;</p>"
