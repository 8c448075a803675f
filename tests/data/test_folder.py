"""Folders of pictures: every kind of file comes out upright, opaque and unclipped; bad files are named and skipped."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data import DataSpec, open_source, picture, prepare
from zoo.data.picture import PictureError, read_header, read_pixels
from zoo.errors import DataError

SIZE = 16
RAMP = np.linspace(0, 255, SIZE, dtype=np.uint8)[None, :].repeat(SIZE, 0)
"""Dark on the left, bright on the right."""


def old(path: Path) -> Path:
    """Give a file a time long past, as nearly all files have: what was just written is never trusted."""
    os.utime(path, (1_500_000_000, 1_500_000_000))
    return path


def flat(path: Path, colour=(200, 30, 30), size=(SIZE, SIZE), mode="RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return old(path)


def images_of(folder: Path, channels: int = 3) -> np.ndarray:
    return prepare(open_source(str(folder)), DataSpec(channels, SIZE, SIZE)).images


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


def test_small_pictures_are_enlarged(tmp_path):
    flat(tmp_path / "a.png", size=(2, 2))
    assert (images_of(tmp_path) == (200, 30, 30)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_a_one_pixel_picture_is_named_and_skipped(tmp_path, size):
    flat(tmp_path / "fine.png")
    flat(tmp_path / "dot.png", size=size)
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert len(store) == 1
    assert store.skipped == [("dot.png", f"{size[0]}×{size[1]} pixels; each side must be at least 2")]


def broken_pictures(folder: Path) -> list[str]:
    """Files of many kinds of damage beside one good picture; returns the names of the bad ones."""
    flat(folder / "good.png")
    whole = (flat(folder / "long.png", size=(200, 200))).read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise.jpg")
    jpeg = (folder / "noise.jpg").read_bytes()
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = whole[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + whole[33:]
    bad = {
        "empty.png": b"",
        "text.jpg": b"this is not a picture",
        "cut.png": whole[: len(whole) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "header.png": whole[:20],
        "bomb.png": bomb,
    }
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (folder / "long.png").unlink()
    (folder / "noise.jpg").unlink()
    return sorted(bad)


def test_bad_files_are_named_counted_and_skipped(tmp_path):
    bad = broken_pictures(tmp_path)
    lines = []
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE), report=lines.append)
    assert len(store) == 1
    assert [name for name, _ in store.skipped] == bad
    assert any(
        line.startswith("6 of 7 images cannot be read and are skipped: bomb.png (far more pixels") for line in lines
    )


def test_a_picture_over_the_pixel_limit_is_skipped_and_not_warned_about(tmp_path, monkeypatch):
    monkeypatch.setattr(picture.Image, "MAX_IMAGE_PIXELS", 300)
    flat(tmp_path / "large.png", size=(20, 20))
    flat(tmp_path / "small.png")
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert store.skipped == [("large.png", "20×20 pixels; at most 300 are decoded")]


def test_strict_stops_at_a_bad_file_also_when_the_store_is_there(tmp_path, cache):
    broken_pictures(tmp_path)
    source = open_source(str(tmp_path))
    with pytest.raises(DataError, match=r"^bomb.png cannot be read.*--strict"):
        prepare(source, DataSpec(3, SIZE, SIZE), strict=True)
    assert list((cache / "prepared").iterdir()) == []
    prepare(source, DataSpec(3, SIZE, SIZE))
    with pytest.raises(DataError, match=r"^bomb.png cannot be read.*--strict"):
        prepare(source, DataSpec(3, SIZE, SIZE), strict=True)


def test_a_missing_empty_or_unreadable_folder_is_an_error_that_names_it(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing to see")
    with pytest.raises(DataError, match=r"empty holds no pictures \(files such as \.png"):
        open_source(str(empty))
    with pytest.raises(DataError, match="does not exist"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(DataError, match="there is no folder"):
        open_source(f"folder:{tmp_path / 'missing'}")
    (empty / "a.png").write_bytes(b"x")
    (empty / "b.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"not one of its 2 pictures can be read: a.png \(not a picture"):
        open_source(str(empty))


def test_pictures_that_all_turn_out_damaged_are_an_error(tmp_path):
    whole = flat(tmp_path / "a.png", size=(200, 200)).read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-80])
    with pytest.raises(DataError, match="not one image can be read"):
        prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))


def test_a_single_picture_is_refused_with_advice(tmp_path):
    with pytest.raises(DataError, match="single file; give the folder"):
        open_source(str(flat(tmp_path / "a.png")))


def test_hidden_and_other_files_are_ignored_and_the_order_is_that_of_the_paths(tmp_path):
    for place, name in enumerate(["b.png", "a/z.PNG", "c/d/e.png", ".hidden.png", ".git/x.png", "._b.png"]):
        flat(tmp_path / name, (place * 40, 0, 0))
    (tmp_path / "readme.md").write_text("x")
    images = images_of(tmp_path)
    assert (images[:, 0, 0, 0] // 40).tolist() == [1, 0, 2]


def test_immediate_subfolders_are_the_classes(tmp_path):
    for name in ("dog/1.png", "cat/1.png", "cat/2.png"):
        flat(tmp_path / name)
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert store.class_names == ["cat", "dog"]
    assert store.labels.tolist() == [0, 0, 1]


def test_labels_stay_with_their_images_when_some_are_skipped(tmp_path):
    for name in ("cat/1.png", "cat/3.png", "dog/1.png"):
        flat(tmp_path / name)
    (tmp_path / "cat/2.png").write_bytes(b"x")
    assert prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE)).labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "names", [["one/1.png", "one/2.png"], ["1.png", "a/1.png", "b/1.png"], ["t/a/1.png", "t/b/1.png"]]
)
def test_any_other_layout_is_unlabelled(tmp_path, names):
    for name in names:
        flat(tmp_path / name)
    source = open_source(str(tmp_path))
    assert source.classes == 0
    assert bool(source.notes) == (len({Path(name).parent for name in names}) > 1)


def test_images_are_grey_only_when_all_are(tmp_path):
    flat(tmp_path / "a.png", 90, mode="L")
    image = Image.new("P", (SIZE, SIZE), 1)
    image.putpalette([0, 0, 0, 77, 77, 77])
    image.save(tmp_path / "b.png")
    assert open_source(str(tmp_path)).channels == 1
    flat(tmp_path / "c.png")
    assert open_source(str(tmp_path)).channels == 3
    images = images_of(tmp_path)
    assert images[:, 0, 0].tolist() == [[90] * 3, [77] * 3, [200, 30, 30]]


def test_one_size_is_known_and_mixed_sizes_are_not(tmp_path):
    flat(tmp_path / "a.png", size=(20, 10))
    source = open_source(str(tmp_path))
    assert (source.width, source.height) == (20, 10)
    flat(tmp_path / "b.png", size=(20, 11))
    source = open_source(str(tmp_path))
    assert (source.width, source.height) == (None, None)


def test_an_unchanged_folder_is_not_read_again(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        flat(tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"x")
    old(tmp_path / "bad.png")
    first = open_source(str(tmp_path)).fingerprint()

    def never(*_):
        raise AssertionError("read again")

    monkeypatch.setattr("zoo.data.folder_index.read_header", never)
    monkeypatch.setattr("zoo.data.folder_index.hash_bytes_of", never)
    assert open_source(str(tmp_path)).fingerprint() == first


def test_an_edited_added_renamed_or_removed_file_changes_the_fingerprint(tmp_path):
    flat(tmp_path / "a.png")
    flat(tmp_path / "b.png")
    seen = [open_source(str(tmp_path)).fingerprint()]
    flat(tmp_path / "a.png", (1, 2, 3))
    os.utime(tmp_path / "a.png", (1_600_000_000, 1_600_000_000))
    seen.append(open_source(str(tmp_path)).fingerprint())
    flat(tmp_path / "c.png")
    seen.append(open_source(str(tmp_path)).fingerprint())
    (tmp_path / "c.png").rename(tmp_path / "d.png")
    seen.append(open_source(str(tmp_path)).fingerprint())
    (tmp_path / "b.png").unlink()
    seen.append(open_source(str(tmp_path)).fingerprint())
    assert len(set(seen)) == len(seen)


def test_a_file_edited_in_the_same_instant_is_noticed(tmp_path):
    """Same size, same time, other content: only a file that has been left alone for a while is trusted."""
    path = tmp_path / "a.bmp"
    Image.new("RGB", (SIZE, SIZE), "red").save(path)
    stat = path.stat()
    first = open_source(str(tmp_path)).fingerprint()
    Image.new("RGB", (SIZE, SIZE), "blue").save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert open_source(str(tmp_path)).fingerprint() != first


def test_links_are_followed_but_not_in_circles(tmp_path):
    flat(tmp_path / "elsewhere/a.png")
    folder = tmp_path / "photos"
    folder.mkdir()
    try:
        (folder / "linked").symlink_to(tmp_path / "elsewhere")
        (folder / "circle").symlink_to(folder)
    except OSError:
        pytest.skip("this system cannot make symbolic links")
    assert len(open_source(str(folder))) == 1


def test_names_that_are_not_utf8_do_not_disturb(tmp_path):
    try:
        flat(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")))
    except (OSError, ValueError):
        pytest.skip("this file system wants UTF-8")
    (tmp_path / "a.png").write_bytes(b"x")
    store = prepare(open_source(str(tmp_path)), DataSpec(3, SIZE, SIZE))
    assert (len(store), len(store.skipped)) == (1, 1)
