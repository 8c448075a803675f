"""One picture file: its size from the header, its pixels as grey or colour bytes."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from zoo.data.values import NATURAL, USUAL, Limits, Values, table, to_bytes
from zoo.errors import in_one_line
from zoo.system.names import shown
from zoo.system.reading import open_plain

GRID = "zoo: a grid of pictures"
"""What a grid says of itself, in a comment, so that nobody trains on it."""

DRAWN = "zoo: a picture that a generator drew"
"""What a single picture that zoo drew says of itself."""

SMALLEST_SIDE = 2  # what is smaller is a tracking pixel or a mistake, not a picture

_LONGEST_TEXT = 64 << 20  # bytes

_ORIENTATION = 0x0112
_PNG_NOTES = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(Exception):
    """A picture that cannot be used; the text is the reason."""


class Header(NamedTuple):
    """What is known without decoding: upright size in pixels, and whether every pixel is certainly grey."""

    width: int
    height: int
    grey: bool
    alpha: bool = False
    """Whether it may have transparent pixels."""
    frames: bool = False
    """Whether it has more than one frame or page."""
    grid: bool = False
    """Whether zoo drew it, as a grid of many pictures."""
    drawn: bool = False
    """Whether zoo drew it, as one picture."""


@contextlib.contextmanager
def pillow_manners() -> Iterator[None]:
    """Around everything that opens pictures: Pillow's remarks on odd files stay off the person's terminal, and a PNG may
    carry long texts, as the recipes of image generators are.

    Entered once by the thread that starts the others, because Python's warning filters and Pillow's limits belong to the whole
    process.
    """
    limits = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = _LONGEST_TEXT, _LONGEST_TEXT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = limits


def read_header(picture: Path | bytes) -> Header:
    """Size and kind of a picture, a file or its content, from its first bytes; raises PictureError."""
    with _opened(picture) as image:
        width, height = image.size
        if image.format != "TIFF" and _orientation(image) >= 5:  # 5 to 8 lie on their side; Pillow turns TIFF itself
            width, height = height, width
        grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")
        grey = grey or (image.mode in ("P", "PA") and _grey_palette(image))
        return Header(
            width, height, grey, _has_alpha(image), _has_frames(image), _says(image, GRID), _says(image, DRAWN)
        )


def _text(comment: object) -> object:
    return comment.decode("ascii", "replace") if isinstance(comment, bytes) else comment


def _has_alpha(image: Image.Image) -> bool:
    # Pillow asserts a palette where a header promises one that does not follow.
    return (image.mode != "P" or image.palette is not None) and image.has_transparency_data


def _has_frames(image: Image.Image) -> bool:
    """Whether there are several. The second picture of a phone's JPEG (MPO) is a smaller or a deeper one of the same."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _says(image: Image.Image, comment: str) -> bool:
    """Whether a picture says that of itself."""
    return comment in (image.info.get("Comment"), _text(image.info.get("comment")))


def read_picture(path: Path | bytes, channels: int, smallest: int, values: Values = USUAL) -> Image.Image:
    """The upright picture, of mode L for 1 channel, RGB for 3 and RGBA for 4; raises PictureError.

    With 1 or 3 channels a background lies below what is transparent.

    Of an animation it is the first frame. `values`: which numbers become black and white, and the background. `smallest` is the
    side that the caller needs at least: a JPEG much larger than that is decoded at a fraction of its size, which is several
    times faster.
    """
    with _opened(path) as image:
        image.draft(None, (2 * smallest, 2 * smallest))  # twice: the last step down is left to a better filter
        image.load()
        upright = _UPRIGHT.get(_orientation(image))
        picture = _eight_bit(image, values)
        if channels == 4:
            picture = picture.convert("RGBA")
        elif picture.has_transparency_data:
            colour = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", colour.size, (*values.background, 255)), colour)
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        picture = picture if picture.mode == mode else picture.convert(mode)
        if upright is not None:
            picture = picture.transpose(upright)
        return picture


def limits_of(path: Path | bytes) -> tuple[str, Limits]:
    """The kind of a picture's numbers (`zoo.data.values.NATURAL`), its lowest and its highest; raises PictureError."""
    with _opened(path) as image:
        image.load()
        kind = _kind(image)
        if kind != "uint8":
            values = np.asarray(image)
            return kind, (float(values.min()), float(values.max()))
        colours = np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
        return kind, (float(colours.min()), float(colours.max()))


@contextlib.contextmanager
def open_png(path: Path) -> Iterator[Image.Image]:
    """A PNG file, as zoo writes grids, and nothing else of that name.

    Raises OSError, and what Pillow raises for one that is damaged.
    """
    with open_plain(path) as file, Image.open(file, formats=["PNG"]) as image:
        if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
            raise OSError(f"{image.width}×{image.height} pixels; at most {Image.MAX_IMAGE_PIXELS:,} are decoded")
        yield image


@contextlib.contextmanager
def _opened(picture: Path | bytes) -> Iterator[Image.Image]:
    """An open picture of a permissible size; whatever goes wrong inside becomes a PictureError."""
    try:
        # Through a file object: given a path, Pillow maps uncompressed TIFF into memory, and then scrambles those that lie
        # on their side and dies with the file when somebody shortens it.
        file: IO[bytes] = io.BytesIO(picture) if isinstance(picture, bytes) else open_plain(picture)
        with file, Image.open(file, formats=_formats()) as image:
            width, height = image.size
            if min(width, height) < SMALLEST_SIDE:
                raise PictureError(f"{width}×{height} pixels; each side must be at least {SMALLEST_SIDE}")
            # Pillow itself only warns up to twice its limit.
            if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
                raise PictureError(f"{width}×{height} pixels; at most {Image.MAX_IMAGE_PIXELS:,} are decoded")
            yield image
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError("not a picture, or of a kind that Pillow does not know") from None
    except OSError as error:
        raise PictureError(error.strerror or shown(str(error).partition("\n")[0])) from error
    except Image.DecompressionBombError:
        raise PictureError("far more pixels than are decoded") from None
    except Exception as error:  # damaged files make decoders fail in any way they like
        raise PictureError(f"damaged ({shown(in_one_line(error))})") from error


_FORMATS = frozenset(
    (
        "PNG",
        "JPEG",
        "MPO",
        "GIF",
        "BMP",
        "DIB",
        "TIFF",
        "WEBP",
        "AVIF",
        "JPEG2000",
        "TGA",
        "PCX",
        "PPM",
        "ICO",
        "HEIF",
        "JXL",
    )
)


def _formats() -> list[str]:
    """What is opened, of all that Pillow knows: it would start a program (Ghostscript) for some of the rest."""
    Image.init()
    return [name for name in Image.ID if name in _FORMATS]


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) when there is none or it is damaged."""
    try:
        return int(_exif(image).get(_ORIENTATION, 1))
    except Exception:  # a damaged note about a picture does not make the picture unreadable
        return 1


def _exif(image: Image.Image) -> Image.Exif:
    """Pillow's notes about a picture. For those of a PNG it decodes all of it, in case they stand behind the pixels.

    That is spared where none do; but not with a palette, which decoding may change (`_grey_palette` looks at it).
    """
    file = getattr(image, "fp", None)  # none once all is decoded
    spared = file and image.format == "PNG" and image.mode != "P" and not _notes_behind_pixels(file)
    return Image.Image.getexif(image) if spared else image.getexif()


def _notes_behind_pixels(file: IO[bytes]) -> bool:
    """Whether an open PNG has chunks behind its pixels that may tell its orientation. Leaves the file where it was."""
    place = file.tell()
    try:
        file.seek(8)  # its signature
        pixels = False
        while len(head := file.read(8)) == 8 and (kind := head[4:]) != b"IEND":
            if pixels and kind in _PNG_NOTES:
                return True
            pixels = pixels or kind == b"IDAT"
            file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)  # content and checksum
        return False
    finally:
        file.seek(place)


def _kind(image: Image.Image) -> str:
    """Of what kind its numbers are: uint8, uint16 or float."""
    return "uint16" if image.mode.startswith("I") else "float" if image.mode == "F" else "uint8"


def _eight_bit(image: Image.Image, values: Values) -> Image.Image:
    """The same picture with 8 bits per channel; Pillow's own conversion of wider grey modes would clip."""
    kind = _kind(image)
    if kind == "uint8":
        picture = image.convert("LA") if image.mode == "La" else image
        return _stretched(picture, table(values.limits[kind])) if kind in values.limits else picture
    numbers = np.asarray(image)
    low, high = float(numbers.min()), float(numbers.max())
    first, last = NATURAL[kind]
    if kind not in values.limits and not (first <= low and high <= last):
        raise PictureError(f"grey values from {low:g} to {high:g}; expected {first:g} to {last:g}, or give --levels")
    return Image.fromarray(to_bytes(numbers, values.limits.get(kind, (first, last))))


def _stretched(picture: Image.Image, levels: list[int]) -> Image.Image:
    """The picture with each of its colours' values looked up in a table of 256; transparency stays."""
    if picture.mode in ("1", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "L" if picture.mode == "1" else "RGB")
    same = list(range(256))
    alpha = picture.mode in ("LA", "RGBA")
    return picture.point(levels * (len(picture.getbands()) - alpha) + same * alpha)


def _grey_palette(image: Image.Image) -> bool:
    """Whether all colours of a palette are grey, as far as it can be told without decoding."""
    palette = image.palette
    kind = (palette.rawmode or palette.mode) if palette else ""
    if palette is None or kind not in ("RGB", "BGR", "RGBX", "BGRX"):
        return False
    colours = np.frombuffer(bytes(palette.palette), np.uint8)
    colours = colours[: len(colours) // len(kind) * len(kind)].reshape(-1, len(kind))[:, :3]
    return bool((colours == colours[:, :1]).all())
