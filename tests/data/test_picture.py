"""One picture: every kind of file comes out upright, opaque and unclipped."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from data_files import RAMP, SIZE, flat, images_of
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from zoo.data import DataSpec, open_source, prepare
from zoo.data.formats import picture
from zoo.data.formats.picture import PictureError, read_header, read_pixels


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path):
    wide = RAMP.astype(np.uint16) * 257
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(wide.astype(np.int32)).save(tmp_path / "b.tif")
    Image.fromarray(wide.astype(">u2")).save(tmp_path / "c.tif")
    Image.fromarray(RAMP.astype(np.float32) / 255).save(tmp_path / "d.tif")
    source = open_source(str(tmp_path))
    assert source.channels == 1
    for image in images_of(tmp_path, 1):
        np.testing.assert_array_equal(image[..., 0], RAMP)


def test_grey_values_that_no_scale_fits_are_unreadable_and_not_clipped(tmp_path):
    for name, values in {"a": np.full((4, 4), -1, np.int32), "b": np.full((4, 4), 70_000, np.int32)}.items():
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
        with pytest.raises(PictureError, match="expected 0 to 65535"):
            read_pixels(tmp_path / f"{name}.tif", 1, 4)
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "c.tif")
    with pytest.raises(PictureError, match="expected 0 to 1"):
        read_pixels(tmp_path / "c.tif", 1, 4)


def save_with_transparency(path: Path, mode: str) -> None:
    """Red (or grey 90) on the left, fully transparent on the right."""
    alpha = Image.fromarray(np.where(np.arange(SIZE) < SIZE // 2, 255, 0).astype(np.uint8)[None].repeat(SIZE, 0))
    if mode in ("LA", "RGBA"):
        image = Image.new(mode[:-1], (SIZE, SIZE), 90 if mode == "LA" else (200, 30, 30))
        image.putalpha(alpha)
        image.save(path)
    elif mode == "P":
        image = Image.new("P", (SIZE, SIZE), 0)
        image.putpalette([200, 30, 30, 0, 0, 0])
        image.paste(1, (SIZE // 2, 0, SIZE, SIZE))
        image.save(path, transparency=1)
    elif mode == "P bytes":
        image = Image.new("P", (SIZE, SIZE), 0)
        image.putpalette([200, 30, 30, 0, 0, 0])
        image.paste(1, (SIZE // 2, 0, SIZE, SIZE))
        image.save(path, transparency=b"\xff\x00")
    elif mode in ("L", "RGB"):
        image = Image.new(mode, (SIZE, SIZE), 90 if mode == "L" else (200, 30, 30))
        image.paste(0 if mode == "L" else (0, 0, 0), (SIZE // 2, 0, SIZE, SIZE))
        image.save(path, transparency=0 if mode == "L" else (0, 0, 0))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "P bytes", "L", "RGB"])
@pytest.mark.parametrize("kind", ["png", "webp"])
def test_transparency_is_over_white(tmp_path, mode, kind):
    path = tmp_path / "a.png"
    save_with_transparency(path, mode)
    if kind == "webp":
        path = tmp_path / "a.webp"
        Image.open(tmp_path / "a.png").convert("RGBA").save(path, lossless=True)
    pixels = read_pixels(path, 3, SIZE)
    expected = (90, 90, 90) if mode in ("LA", "L") else (200, 30, 30)
    assert tuple(pixels[3, 2]) == expected
    assert tuple(pixels[3, SIZE - 2]) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["PA", "La", "RGBa"])
def test_rare_modes_with_transparency_are_over_white(mode, monkeypatch, tmp_path):
    image = Image.new("RGBA", (SIZE, SIZE), (90, 90, 90, 0))
    image = {
        "PA": lambda: image.convert("PA"),
        "La": lambda: image.convert("LA").convert("La"),
        "RGBa": lambda: image.convert("RGBa"),
    }[mode]()
    monkeypatch.setattr(picture.Image, "open", lambda file: image)
    (tmp_path / "a.png").touch()
    assert (read_pixels(tmp_path / "a.png", 3, SIZE) == 255).all()


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("CMYK", "a.tif", {}),
        ("CMYK", "a.jpg", {"quality": 100}),
        ("YCbCr", "a.tif", {}),
        ("P", "a.png", {}),
        ("P", "a.gif", {}),
        ("RGB", "a.bmp", {}),
        ("RGB", "a.JPEG", {"quality": 100}),
        ("RGB", "a.WebP", {"lossless": True}),
        ("RGB", "a.ppm", {}),
        ("RGB", "a.tga", {}),
    ],
)
def test_colours_survive_every_mode(tmp_path, mode, name, options):
    image = Image.new("RGB", (SIZE, SIZE), (200, 30, 30))
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    image.save(tmp_path / name, **options)
    pixels = images_of(tmp_path)[0]
    np.testing.assert_allclose(pixels.reshape(-1, 3), np.broadcast_to((200, 30, 30), (SIZE * SIZE, 3)), atol=3)


def test_black_and_white_images_keep_both(tmp_path):
    Image.fromarray(RAMP > 127).save(tmp_path / "a.png")
    assert open_source(str(tmp_path)).channels == 1
    np.testing.assert_array_equal(images_of(tmp_path, 1)[0, ..., 0], np.where(RAMP > 127, 255, 0))


def test_an_animation_is_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (SIZE, SIZE), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.png", save_all=True, append_images=frames[1:])
    assert (images_of(tmp_path).reshape(2, -1, 3) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_exif_orientation_is_honoured(tmp_path, orientation, suffix):
    upright = Image.new("L", (24, 12), 0)
    upright.paste(255, (0, 0, 6, 6))  # a light in the top left corner
    turn = Image.Transpose
    stored = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270,
    }  # fmt: skip
    image = upright.transpose(stored[orientation]) if orientation in stored else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    image.save(path, exif=exif, **({"quality": 100} if suffix == "jpg" else {}))
    assert read_header(path)[:2] == (24, 12)
    np.testing.assert_allclose(read_pixels(path, 1, 12)[..., 0], np.asarray(upright), atol=4)


def test_damaged_exif_does_not_make_a_picture_unreadable(tmp_path):
    Image.new("RGB", (SIZE, SIZE), "red").save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert len(images_of(tmp_path)) == 1


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(tmp_path):
    Image.new("RGB", (1024, 768), (10, 200, 30)).save(tmp_path / "a.jpg")
    pixels = read_pixels(tmp_path / "a.jpg", 3, 64)
    assert pixels.shape == (192, 256, 3)
    np.testing.assert_allclose(pixels[50, 50], (10, 200, 30), atol=3)


def test_the_middle_is_kept_and_the_aspect_too(tmp_path):
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    wide.save(tmp_path / "wide.png")
    wide.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "tall.png")
    inner = images_of(tmp_path)[:, 3:-3, 3:-3].astype(int)
    assert abs(inner - (0, 0, 255)).max() < 3


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (2000, 150), (9, 40)], ids=str)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_stretched_all_of_a_picture_is_there(tmp_path, size, suffix):
    """Thirds along its longer side stay thirds; a large JPEG is decoded at a fraction of its size, on both sides enough."""
    long = Image.new("RGB", size, "red")
    width, height = size
    third = (width // 3, 0, 2 * width // 3, height) if width > height else (0, height // 3, width, 2 * height // 3)
    long.paste("blue", third)
    long.save(tmp_path / f"long.{suffix}", **({"quality": 95, "subsampling": 0} if suffix == "jpg" else {}))
    (pixels,) = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE), fit="stretch").images.astype(int)
    if height > width:
        pixels = pixels.transpose(1, 0, 2)
    for columns, colour in ((slice(0, 4), (255, 0, 0)), (slice(7, 9), (0, 0, 255)), (slice(12, 16), (255, 0, 0))):
        assert abs(pixels[:, columns] - colour).max() < 40


def test_small_pictures_are_enlarged(tmp_path):
    flat(tmp_path / "a.png", size=(2, 2))
    assert (images_of(tmp_path) == (200, 30, 30)).all()


def png_with(path: Path, *chunks: tuple[bytes, bytes], behind: bool) -> Path:
    """A grey PNG 24 wide and 12 high with more chunks, before its pixels or behind them."""
    Image.new("L", (24, 12)).save(path)
    content = path.read_bytes()
    more = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    place = content.index(b"IEND" if behind else b"IDAT") - 4
    path.write_bytes(content[:place] + more + content[place:])
    return path


ON_ITS_SIDE = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("chunk", [(b"eXIf", ON_ITS_SIDE), (b"iTXt", XMP)], ids=["exif", "xmp"])
def test_the_orientation_of_a_png_may_stand_before_its_pixels_or_behind_them(tmp_path, chunk, behind):
    path = png_with(tmp_path / "a.png", (b"tIME", b"\x07\xe6\x01\x01\0\0\0"), chunk, behind=behind)
    assert read_header(path)[:2] == (12, 24)
    assert read_pixels(path, 1, 12).shape == (24, 12, 1)


def test_the_header_of_a_png_is_read_without_its_pixels(tmp_path, monkeypatch):
    flat(tmp_path / "a.png", size=(24, 12))
    monkeypatch.setattr(PngImageFile, "load", lambda self: pytest.fail("all of it is decoded"))
    assert read_header(tmp_path / "a.png") == (24, 12, False, False)


def test_a_png_that_is_cut_off_still_has_a_header(tmp_path):
    path = flat(tmp_path / "a.png", size=(24, 12))
    for length in range(34, len(path.read_bytes())):
        (tmp_path / "b.png").write_bytes(path.read_bytes()[:length])
        try:
            assert read_header(tmp_path / "b.png")[:2] == (24, 12)
        except PictureError:
            assert length < 60  # where Pillow finds no pixels at all
