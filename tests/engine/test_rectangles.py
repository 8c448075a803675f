"""Images that are no squares: which networks are built for them, and every command on such a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import assert_refused, flags, tiny, write_images
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.engine.geometry import choose_spec
from zoo.errors import DataError, OptionError, PluginError
from zoo.plugins.registry import registry
from zoo.plugins.validation import check_architecture

FAMILIES = ("dcgan", "upsample", "selu", "tf64", "tf64_as_printed")


class Source:
    """Data of any shape."""

    title, channels, classes, points = "some data", 1, 0, False

    def __init__(self, height=None, width=None):
        self.height, self.width = height, width


class Squares(zoo.Architecture):
    """Says nothing of rectangles."""

    name = "squares"

    def sizes(self, options):
        return (16, 32, 64)


class Rectangles(Squares):
    """Takes them."""

    name = "rectangles"
    rectangles = True


class Dense(zoo.Architecture):
    """Takes every shape."""

    name = "dense"


def spec(architecture, source=None, **options) -> tuple[int, int]:
    """Height and width of what is chosen."""
    chosen = choose_spec(architecture(), zoo.Options(**options), source or Source(28, 28))
    return chosen.height, chosen.width


def test_width_comes_first_and_each_side_is_one_of_the_sizes():
    assert spec(Rectangles, size="64x16") == (16, 64)
    assert spec(Rectangles, size="16x64") == (64, 16)
    with pytest.raises(OptionError, match="--size 64x48: rectangles works for sides of the sizes 16, 32, 64"):
        spec(Rectangles, size="64x48")
    with pytest.raises(OptionError, match="--size 48: rectangles works for the sizes 16, 32, 64"):
        spec(Rectangles, size=48)


def test_an_architecture_that_does_not_say_so_gets_squares_alone():
    with pytest.raises(
        OptionError, match=r"--size 64x32: squares works for squares alone .*rectangles = True.*--size 32"
    ):
        spec(Squares, size="64x32")
    assert spec(Squares, size="32x32") == (32, 32)


def test_networks_that_take_every_size_take_every_shape():
    assert spec(Dense, size="50x7") == (7, 50)


@pytest.mark.parametrize(("architecture", "kept"), [(Rectangles, (32, 32)), (Squares, (32, 32)), (Dense, (32, 64))])
def test_rectangular_data_becomes_squares_unless_it_is_said_or_every_shape_will_do(architecture, kept):
    assert spec(architecture, Source(32, 64)) == kept


def test_rectangles_says_yes_or_no():
    class Unclear(Squares):
        """Says neither."""

        rectangles = "yes"

        def generator(self, options, data):
            return nn.Identity()

        discriminator = generator

    with pytest.raises(PluginError, match=r"Unclear\.rectangles is 'yes'; give True or False"):
        check_architecture(Unclear)


def test_points_have_no_size():
    with pytest.raises((OptionError, DataError), match="--size is for images"):
        zoo.train("vanilla", data="ring", preset="points", size="8x4", steps=1, out="run")
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["dcgan", "lsgan", "cgan"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_convolutions_is_built_for_rectangles(name, family):
    architecture = registry().architecture(name)
    options = architecture.Options(networks=family, width=2, latent=3)
    sizes = architecture.sizes(options)
    for height, width in ((sizes[0], sizes[3]), (sizes[2], sizes[0]), (64, 48), (16, 128)):
        data = zoo.DataSpec(4, height, width, 3)
        generator, discriminator = build_networks(architecture, options, data)
        labels = (torch.tensor([0, 2]),) if architecture.conditional else ()
        images = generator(torch.randn(2, 3), *labels)
        assert images.shape == (2, *data.shape)
        assert discriminator(images, *labels).numel() == 2


@pytest.mark.parametrize(
    ("sides", "start", "kernels"),
    [((48, 64), (3, 4), [4, 4, 4, 4]), ((32, 64), (2, 4), [4, 4, 4, 4]), ((21, 28), (3, 4), [4, 4, 3])],
)
def test_a_rectangle_is_halved_as_often_as_the_square_around_it(sides, start, kernels):
    architecture = registry().architecture("dcgan")
    options = architecture.Options(width=2, latent=3)
    _, discriminator = build_networks(architecture, options, zoo.DataSpec(1, *sides))
    *down, last = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert last.kernel_size == start
    assert [layer.kernel_size[1] for layer in down] == kernels


def test_folder64_is_for_its_one_square(cli, images):
    outcome = cli(
        "train", "lsgan", "--preset", "folder64", "--data", images, "--size", "64x48", "--steps", 1, "--out", "run"
    )
    assert_refused(outcome, "--size 64x48", "lsgan works for sides of the size 64")


def test_every_command_works_on_a_run_of_rectangles(cli, images):
    options = flags(tiny("cgan", size=(16, 8), checkpoint_every=2))
    assert cli("train", "cgan", "--data", images, *options, "--out", "run").code == 0
    assert zoo.Run("run").geometry()[0] == zoo.DataSpec(1, 8, 16, 3)
    assert cli("resume", "run", "--steps", 6).code == 0
    assert cli("sample", "run", "--n", 3, "--out", "pictures").code == 0
    for file in Path("pictures").iterdir():
        with Image.open(file) as picture:
            assert picture.size == (16, 8)
    assert cli("sample", "run", "--n", 5, "--out", "five.npz").code == 0
    assert np.load("five.npz")["images"].shape == (5, 8, 16, 1)
    for command in (
        "interpolate run --seeds 1,2 --class 1 --out way.png",
        "arithmetic run 1+2-3 --class 1 --out sum.png",
        "export run --out g.pt2",
    ):
        outcome = cli(*command.split())
        assert outcome.code == 0, outcome
    drawn = torch.export.load("g.pt2").module()(torch.randn(2, 4), torch.tensor([0, 1]))
    assert drawn.shape == (2, 1, 8, 16)
    assert "draws grey images of 16×8" in cli("evaluate", "run").err or "--data digits" in cli("evaluate", "run").err
    assert (
        cli(
            "train",
            "dcgan",
            "--data",
            "five.npz",
            *flags(tiny("dcgan", batch_size=5, steps=1, size="16x8")),
            "--out",
            "again",
        ).code
        == 0
    )


def test_check_takes_a_rectangle_and_tries_some_of_its_own(cli):
    outcome = cli("check", "dcgan", "--only", "shapes", "--width", 2, "--size", "12x8")
    assert outcome.code == 0, outcome
    assert "12×8" in outcome.out
    assert cli("check", "dcgan", "--only", "shapes", "presets", "--width", 2).code == 0


def test_info_tells_whether_rectangles_are_taken(cli):
    assert "every size from 8 to 256, rectangles of such sides too" in cli("info", "dcgan").out.replace("\n", " ")
    assert "rectangles" not in cli("info", "vanilla").out


def test_a_sample_of_a_rectangle_is_as_wide_as_was_asked(tmp_path):
    data = write_images(tmp_path / "colour.npz", channels=3)
    run = zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan", steps=1, size=(8, 20)))
    assert zoo.load(run)(2).shape == (2, 3, 20, 8)
