"""Numbers become levels: the usual ones, those asked for, those found; and what lies below transparency."""

from __future__ import annotations

import numpy as np
import pytest
from messages import saying
from PIL import Image
from pydantic import ValidationError

import zoo
from zoo.data import DataSpec, open_source, prepare
from zoo.data.reading import Reading
from zoo.data.shown import Shown
from zoo.data.values import to_bytes
from zoo.errors import DataError


@pytest.mark.parametrize(
    ("values", "limits", "levels"),
    [
        (np.array([0, 255], np.uint8), (0, 255), [0, 255]),
        (np.array([0, 128, 65535, 257], np.uint16), (0, 65535), [0, 0, 255, 1]),
        (np.array([0, 2048, 4095, 9000], np.uint16), (0, 4095), [0, 128, 255, 255]),
        (np.array([-1.0, 0.0, 1.0], np.float32), (-1, 1), [0, 128, 255]),
        (np.array([-2000, -1000, 3000], np.int16), (-1000, 3000), [0, 0, 255]),
        (np.array([False, True]), (0, 1), [0, 255]),
    ],
    ids=str,
)
def test_limits_become_black_and_white_and_the_rest_is_rounded(values, limits, levels):
    assert to_bytes(values, limits).tolist() == levels


def pixels(location: object, channels: int = 1, **options: str) -> np.ndarray:
    return prepare(open_source(str(location), reading=Reading(**options)), DataSpec(channels, 4, 4)).images


@pytest.mark.parametrize("kind", ["png", "npy"])
def test_twelve_bits_are_spread_by_auto_and_by_numbers(tmp_path, kind):
    values = np.linspace(0, 4095, 16).astype(np.uint16).reshape(4, 4)
    place = tmp_path / "data"
    if kind == "png":
        place.mkdir()
        Image.fromarray(values).save(place / "a.png")
    else:
        place = tmp_path / "data.npy"
        np.save(place, values[None])
    assert pixels(place).max() == 16
    expected = to_bytes(values, (0, 4095))
    np.testing.assert_array_equal(pixels(place, levels="auto")[0, ..., 0], expected)
    np.testing.assert_array_equal(pixels(place, levels="0,4095")[0, ..., 0], expected)


def test_auto_looks_at_all_pictures_together(tmp_path):
    for name, level in (("a", 50), ("b", 100)):
        Image.new("L", (4, 4), level).save(tmp_path / f"{name}.png")
    assert pixels(tmp_path, levels="auto")[:, 0, 0, 0].tolist() == [0, 255]


def test_levels_leave_transparency_alone(tmp_path):
    picture = Image.new("RGBA", (4, 4), (100, 50, 100, 0))
    picture.putpixel((0, 0), (100, 50, 100, 255))
    picture.save(tmp_path / "a.png")
    image = pixels(tmp_path, 3, levels="50,100")[0]
    assert image[0, 0].tolist() == [255, 0, 255]
    assert image[2, 2].tolist() == [255, 255, 255]


def test_the_background_lies_below_what_is_transparent(tmp_path):
    Image.new("RGBA", (4, 4), (255, 255, 255, 0)).save(tmp_path / "a.png")
    assert pixels(tmp_path, 3, background="#102030")[0, 0, 0].tolist() == [16, 32, 48]


def test_how_data_is_read_is_part_of_what_it_is(tmp_path):
    Image.new("RGBA", (4, 4), (255, 255, 255, 0)).save(tmp_path / "a.png")
    known = {
        open_source(str(tmp_path), reading=reading).fingerprint()
        for reading in (None, Reading(background="black"), Reading(levels="auto"), Reading(levels="0,9"))
    }
    assert len(known) == 4


def test_an_option_that_means_nothing_for_the_data_is_refused():
    with pytest.raises(DataError, match=saying("--levels is not for data of the kind digits; leave it out")):
        open_source("digits", reading=Reading(levels="auto"))


@pytest.mark.parametrize("levels", ["1", "5,1", "a,b", "0,inf", "1,2,3", ""])
def test_levels_are_two_numbers(levels):
    with pytest.raises(ValidationError, match="levels"):
        zoo.Options(levels=levels)


def test_the_background_is_a_colour():
    with pytest.raises(ValidationError, match="give the name of a colour, as black, or #rrggbb"):
        zoo.Options(background="blakc")


def test_numbers_that_are_all_one_have_nothing_to_spread(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 4, 4), 7, np.int32))
    with pytest.raises(DataError, match=saying("all numbers are 7; there is nothing for --levels auto to spread")):
        pixels(tmp_path / "a.npy", levels="auto")


def test_ordinary_images_are_nothing_to_tell_of():
    shown = Shown()
    shown.look(np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3)).astype(np.uint8))
    assert shown.notes(8) == []
