"""The size of images as an option: one number, or two, however they are given."""

from __future__ import annotations

import json

import pytest
from support import assert_refused, tiny

import zoo
from zoo.errors import OptionError
from zoo.options.resolve import resolve
from zoo.options.size import Size, sides
from zoo.plugins.registry import registry
from zoo.testing.messages import typed

DCGAN = registry().architecture("dcgan")


@pytest.mark.parametrize("given", [64, "64", "64x64", (64, 64), [64, 64], 64.0])
def test_a_square_is_one_number_however_it_is_given(given):
    options = zoo.Options(size=given)
    assert options.size == 64
    assert isinstance(options.size, int)
    assert json.loads(options.model_dump_json())["size"] == 64, "as older versions wrote it, and read it"


@pytest.mark.parametrize("given", ["64x48", "64X48", "64 × 48", (64, 48), [64, 48], Size(64, 48)])
def test_a_rectangle_is_its_width_and_its_height_however_it_is_given(given):
    options = zoo.Options(size=given)
    assert options.size == Size(width=64, height=48)
    assert sides(options.size) == (64, 48)
    assert typed({"size": options.size}) == typed({"size": (64, 48)}) == ["--size", "64x48"]


@pytest.mark.parametrize("size", [64, "64x48"])
def test_a_size_is_read_from_what_is_written_of_it(size):
    options = zoo.Options(size=size)
    assert zoo.Options(**json.loads(options.model_dump_json())) == options
    assert zoo.Options(**options.model_dump()) == options


@pytest.mark.parametrize(
    "given",
    ["64x", "x64", "0x4", "64x48x3", "64x-4", "big", "", "64x48px", True, 3, 4097, 4.5, (8, 8, 8), (), ("8", 8), {}],
)
def test_what_is_no_size_is_refused_with_what_is(given):
    with pytest.raises(OptionError, match=r"--size: .*WIDTHxHEIGHT \(64x48\), each from 4 to 4096 pixels"):
        resolve(DCGAN, flags={"size": given})


@pytest.mark.parametrize("line", ['size = "64x48"', "size = [64, 48]"])
def test_a_file_says_a_rectangle_as_text_or_as_two_numbers(tmp_path, line):
    (tmp_path / "a.toml").write_text(line)
    assert resolve(DCGAN, config=tmp_path / "a.toml")[0].size == Size(64, 48)


@pytest.mark.parametrize("size", ["64x", "0x4", "64x48x3"])
def test_on_the_command_line_too(cli, images, size):
    assert_refused(
        cli("train", "dcgan", "--data", images, "--steps", 1, "--size", size), f"--size: '{size}'", "WIDTHxHEIGHT"
    )


def test_the_help_says_which_side_comes_first(cli):
    assert "WIDTHxHEIGHT" in cli("train", "dcgan", "--help").out


def test_a_run_repeats_the_rectangle_of_another_ones_config(images, cli):
    first = zoo.train("dcgan", data=str(images), out="a", **tiny("dcgan", steps=1, size=(12, 8)))
    assert first.config["options"]["size"] == "12x8"
    assert cli("train", "dcgan", "--config", "a/config.json", "--out", "b").code == 0
    assert zoo.Run("b").geometry()[0] == first.geometry()[0]
