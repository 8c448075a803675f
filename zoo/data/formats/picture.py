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
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

SMALLEST_SIDE = 2  # what is smaller is a tracking pixel or a mistake, not a picture

SUFFIXES = frozenset(
    (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp")
)
SUFFIXES |= {".avif", ".jp2", ".j2k", ".jpf", ".tga", ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"}

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


@contextlib.contextmanager
def pillow_manners() -> Iterator[None]:
    """Around everything that opens pictures: Pillow's remarks on odd files stay off the person's terminal.

    Entered once by the thread that starts the others, because Python's warning filters belong to the whole process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(picture: Path | bytes) -> Header:
    """Size and kind of a picture, a file or its content, from its first bytes; raises PictureError."""
    with _opened(picture) as image:
        width, height = image.size
        if image.format != "TIFF" and _orientation(image) >= 5:  # 5 to 8 lie on their side; Pillow turns TIFF itself
            width, height = height, width
        grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")
        grey = grey or (image.mode in ("P", "PA") and _grey_palette(image))
        return Header(width, height, grey, image.has_transparency_data)


def read_pixels(path: Path, channels: int, smallest: int) -> npt.NDArray[np.uint8]:
    """What `read_picture` reads, as uint8 (H, W, channels)."""
    picture = read_picture(path, channels, smallest)
    return np.asarray(picture).reshape(picture.height, picture.width, channels)


def read_picture(path: Path, channels: int, smallest: int) -> Image.Image:
    """The upright picture, of mode L for 1 channel, RGB for 3 and RGBA for 4; raises PictureError.

    With 1 or 3 channels transparency is laid over white.

    Of an animation it is the first frame. 16-bit grey is scaled by 255/65535. `smallest` is the side that the caller
    needs at least: a JPEG much larger than that is decoded at a fraction of its size, which is several times faster.
    """
    with _opened(path) as image:
        image.draft(None, (2 * smallest, 2 * smallest))  # twice: the last step down is left to a better filter
        image.load()
        upright = _UPRIGHT.get(_orientation(image))
        picture = _eight_bit(image)
        if channels == 4:
            picture = picture.convert("RGBA")
        elif picture.has_transparency_data:
            colour = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour)
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        picture = picture if picture.mode == mode else picture.convert(mode)
        if upright is not None:
            picture = picture.transpose(upright)
        return picture


@contextlib.contextmanager
def _opened(picture: Path | bytes) -> Iterator[Image.Image]:
    """An open picture of a permissible size; whatever goes wrong inside becomes a PictureError."""
    try:
        # Through a file object: given a path, Pillow maps uncompressed TIFF into memory, and then scrambles those that lie
        # on their side and dies with the file when somebody shortens it.
        file: IO[bytes] = io.BytesIO(picture) if isinstance(picture, bytes) else picture.open("rb")
        with file, Image.open(file) as image:
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
        raise PictureError(error.strerror or str(error)) from error
    except Image.DecompressionBombError:
        raise PictureError("far more pixels than are decoded") from None
    except Exception as error:  # damaged files make decoders fail in any way they like
        raise PictureError(f"damaged ({type(error).__name__}: {error})") from error


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


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture with 8 bits per channel; Pillow's own conversion of wider grey modes would clip."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65535:
            raise PictureError(f"grey values from {low} to {high}; expected 0 to 65535")
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):
            raise PictureError(f"grey values from {values.min():g} to {values.max():g}; expected 0 to 1")
        return Image.fromarray((values * 255 + 0.5).astype(np.uint8))
    return image.convert("LA") if image.mode == "La" else image


def _grey_palette(image: Image.Image) -> bool:
    """Whether all colours of a palette are grey, as far as it can be told without decoding."""
    palette = image.palette
    kind = (palette.rawmode or palette.mode) if palette else ""
    if palette is None or kind not in ("RGB", "BGR", "RGBX", "BGRX"):
        return False
    colours = np.frombuffer(bytes(palette.palette), np.uint8)
    colours = colours[: len(colours) // len(kind) * len(kind)].reshape(-1, len(kind))[:, :3]
    return bool((colours == colours[:, :1]).all())
