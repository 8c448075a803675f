"""Pictures with an alpha channel: kept with four channels, laid over white otherwise, and no colour that nobody saw."""

from __future__ import annotations

import numpy as np
import pytest
from data_files import Numbers, old
from PIL import Image, ImageDraw

from zoo.data import DataSpec, Images, open_source, prepare
from zoo.data.fit import fit
from zoo.data.formats.picture import read_header, read_picture
from zoo.data.transparency import over, premultiplied, straight
from zoo.errors import DataError

RANDOM = np.random.default_rng(0)
RGBA = RANDOM.integers(0, 256, (6, 12, 10, 4), np.uint8)


def test_colours_come_back_from_what_is_premultiplied_as_exactly_as_bytes_allow():
    back = straight(premultiplied(RGBA))
    np.testing.assert_array_equal(back[..., 3], RGBA[..., 3])
    alpha = np.maximum(RGBA[..., 3:].astype(float), 1)
    assert (np.abs(back[..., :3].astype(float) - RGBA[..., :3]) <= 127.5 / alpha + 0.5)[RGBA[..., 3] > 0].all()
    assert (back[RGBA[..., 3] == 0] == 0).all()
    opaque = RGBA | np.array([0, 0, 0, 255], np.uint8)
    np.testing.assert_array_equal(premultiplied(opaque), opaque)
    np.testing.assert_array_equal(straight(RGBA[..., :3]), RGBA[..., :3])


def test_over_is_the_same_from_either():
    mixed = premultiplied(RGBA)[..., :3].astype(int) + 255 - RGBA[..., 3:]
    assert np.abs(over(RGBA).astype(int) - mixed).max() <= 1


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("given", [1, 3, 4])
@pytest.mark.parametrize("size", [(12, 10), (6, 6), (20, 31)])
def test_every_number_of_channels_becomes_every_other(given, channels, size):
    pixels = fit(Images(RGBA[..., :given]), DataSpec(channels, *size), 0).pixels
    assert pixels.shape == (6, *size, channels)
    if channels == 4:
        assert (pixels[..., 3] == 255).all() == (given != 4)
        assert (pixels[..., :3] <= pixels[..., 3:]).all()


def test_five_channels_are_none_that_fit():
    with pytest.raises(DataError, match=r"expected uint8 \(n, H, W, 1, 3 or 4\)"):
        fit(Images(np.zeros((1, 4, 4, 5), np.uint8)), DataSpec(4, 4, 4), 0)


def sprites(folder):
    """Three green discs; below what is transparent stands magenta."""
    folder.mkdir()
    for number in range(3):
        picture = Image.new("RGBA", (40, 40), (255, 0, 255, 0))
        ImageDraw.Draw(picture).ellipse((6 + number, 6, 33, 33), fill=(0, 200, 0, 255))
        picture.save(folder / f"{number}.png")
        old(folder / f"{number}.png")
    return folder


def opened(folder):
    """The pictures of a folder as an array."""
    images = []
    for file in sorted(folder.iterdir()):
        with Image.open(file) as picture:
            images.append(np.asarray(picture))
    return np.stack(images)


@pytest.mark.parametrize("kind", ["folder", "array"])
@pytest.mark.parametrize("side", [40, 13, 64])
def test_no_colour_of_what_is_transparent_reaches_an_edge(tmp_path, kind, side):
    folder = sprites(tmp_path / "sprites")
    if kind == "array":
        np.save(tmp_path / "sprites.npy", opened(folder))
    place = folder if kind == "folder" else tmp_path / "sprites.npy"
    pixels = prepare(open_source(str(place)), DataSpec(4, side, side), cache=tmp_path / "cache").images
    assert (pixels[..., 3] == 0).any()
    assert (pixels[..., 3] == 255).any()
    assert (pixels[..., (0, 2)] == 0).all(), "neither red nor blue"
    seen = straight(pixels)[pixels[..., 3] > 64]
    assert np.abs(seen[:, 1].astype(int) - 200).max() <= 4, "the green of the disc, up to its edge"


def test_pictures_and_arrays_are_prepared_to_the_same(tmp_path):
    folder = sprites(tmp_path / "sprites")
    np.save(tmp_path / "sprites.npy", opened(folder))
    stores = [
        prepare(open_source(str(place)), DataSpec(4, 20, 24), cache=tmp_path / "cache").images
        for place in (folder, tmp_path / "sprites.npy")
    ]
    np.testing.assert_array_equal(*stores)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB", "1", "CMYK"])
def test_every_kind_of_picture_is_read_with_four_channels(tmp_path, mode):
    picture = Image.new("RGBA", (6, 4), (90, 90, 90, 255))
    more = {}
    if mode in ("LA", "RGBA"):
        picture.paste((0, 0, 0, 0), (3, 0, 6, 4))
    if mode == "P":
        picture = Image.new("P", (6, 4), 0)
        picture.putpalette([90, 90, 90, 0, 0, 0])
        picture.paste(1, (3, 0, 6, 4))
        more["transparency"] = 1
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.convert(mode).save(path, **more)
    assert read_header(path).alpha == (mode in ("LA", "RGBA", "P"))
    read = read_picture(path, 4, 4)
    assert read.mode == "RGBA"
    assert (np.asarray(read)[:, 4, 3] == (0 if mode in ("LA", "RGBA", "P") else 255)).all()
    assert (np.asarray(read)[:, 1, 3] == 255).all()


def notes(path, channels, tmp_path):
    return prepare(open_source(str(path)), DataSpec(channels, 12, 10), cache=tmp_path / "cache").notes


def test_a_line_says_what_becomes_of_transparency(tmp_path):
    np.save(tmp_path / "clear.npy", RGBA)
    np.save(tmp_path / "opaque.npy", RGBA[..., :3])
    assert open_source(str(tmp_path / "clear.npy")).channels == 3, "as ever, unless it is asked for"
    kept = "transparency of 6 images lies over white (--channels 4 keeps it)"
    assert notes(tmp_path / "clear.npy", 3, tmp_path) == [kept]
    assert notes(tmp_path / "clear.npy", 1, tmp_path) == [kept, "colour images are turned to grey"]
    assert notes(tmp_path / "clear.npy", 4, tmp_path) == []
    none = "the images have no transparency: every pixel is opaque (--channels 3 leaves it out)"
    assert notes(tmp_path / "opaque.npy", 4, tmp_path) == [none]
    assert notes(tmp_path / "opaque.npy", 3, tmp_path) == []


def test_nothing_is_said_of_what_is_not_known(tmp_path):
    folder = sprites(tmp_path / "sprites")
    assert not [note for note in notes(folder, 4, tmp_path) if "transparency" in note]
    stores = prepare(Numbers(count=5), DataSpec(4, 4, 4), cache=tmp_path / "cache")
    assert not [note for note in stores.notes if "transparency" in note]


def test_a_source_that_knows_nothing_of_alpha_gives_opaque_images(tmp_path):
    images = prepare(Numbers(count=5), DataSpec(4, 4, 4), cache=tmp_path / "cache").images
    assert (images[..., 3] == 255).all()
    assert (images[3] == [3, 3, 3, 255]).all()
