"""Fitting decoded images to the channels and size that a network wants."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.images import Fit, Images
from zoo.data.spec import CHANNELS, DataSpec
from zoo.data.transparency import over, premultiplied
from zoo.errors import DataError

Pixels = npt.NDArray[np.uint8]

_MODES = {1: "L", 3: "RGB", 4: "RGBa"}
"""Pillow's names; the last is premultiplied."""


def as_stored(images: Images, spec: DataSpec, classes: int, how: Fit = "crop") -> Images:
    """What a source of so many classes delivered, as its store is to hold it. Raises DataError for what does not fit."""
    return check_points(images, spec) if spec.points else fit(images, spec, classes, how)


def check_points(images: Images, spec: DataSpec) -> Images:
    """Points as they are: float32 (n, 1, d, 1) in [-1, 1]. Raises DataError for anything else."""
    points = images.pixels
    if points.dtype != np.float32 or points.shape[1:] != (1, spec.width, 1):
        raise DataError(
            f"a data source delivered {points.dtype} of shape {points.shape}; expected float32 (n, 1, {spec.width}, 1)"
        )
    if not (np.abs(points) <= 1).all():  # which a NaN is not either
        raise DataError("a data source delivered points outside [-1, 1]; scale them")
    return Images(np.ascontiguousarray(points), images.labels)


def fit(images: Images, spec: DataSpec, classes: int, how: Fit = "crop") -> Images:
    """Images of any size as uint8 (n, spec.height, spec.width, spec.channels), labels unchanged.

    crop keeps the aspect: an image is scaled until it covers the target and what stands out is cut off evenly. stretch
    keeps the whole image: its width and its height are scaled to the target's, each by a factor of its own. Colour
    becomes grey by the ITU-R 601 weights, grey becomes colour by repetition. Transparency is kept where four channels are
    asked for (images without are opaque), with colours multiplied with alpha, else laid over white. Raises DataError when a
    source delivered something that is not images, or a label outside 0..classes-1.
    """
    pixels, labels = images
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in CHANNELS or 0 in pixels.shape[1:]:
        raise DataError(
            f"a data source delivered {pixels.dtype} of shape {pixels.shape}; expected uint8 (n, H, W, 1, 3 or 4)"
        )
    if labels is not None and (labels.shape != (len(pixels),) or np.any(labels < 0) or np.any(labels >= classes)):
        raise DataError(f"a data source delivered labels that do not fit {len(pixels)} images of {classes} classes")
    if pixels.shape[3] == 4:
        pixels = premultiplied(pixels) if spec.channels == 4 else over(pixels)
    if spec.channels == 1 and pixels.shape[3] == 3:
        pixels = _grey(pixels)
    if pixels.shape[1:3] != (spec.height, spec.width):
        pixels = _resize(pixels, spec, how)
    return Images(np.ascontiguousarray(_with_channels(pixels, spec.channels)), labels)


def _grey(pixels: Pixels) -> Pixels:
    """The fixed-point formula of Pillow's convert("L"), for a whole batch."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    total = pixels.astype(np.uint32) @ weights
    return ((total + 0x8000) >> 16).astype(np.uint8)[..., None]


def _with_channels(pixels: Pixels, channels: int) -> Pixels:
    """Fitted images with as many channels as are asked for, which are no fewer than they have."""
    if pixels.shape[3] == 4:  # of which a filter's rounding may have left more colour than alpha
        return np.concatenate([np.minimum(pixels[..., :3], pixels[..., 3:]), pixels[..., 3:]], axis=3)
    if pixels.shape[3] == 1 < channels:
        pixels = np.repeat(pixels, 3, axis=3)
    if pixels.shape[3] == 3 < channels:
        return np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=3)
    return pixels


def fit_picture(picture: Image.Image, spec: DataSpec, how: Fit = "crop") -> Pixels:
    """What `fit` makes of one image, (1, spec.height, spec.width, spec.channels), from a Pillow picture of mode L, RGB or RGBA.

    It spares the way through an array of the picture's own size and back. RGBA is for specs of four channels.
    """
    if spec.channels == 1:
        picture = picture if picture.mode == "L" else picture.convert("L")
    if spec.channels == 4 and picture.mode == "RGBA":
        picture = picture.convert("RGBa")  # premultiplied
    if picture.size != (spec.width, spec.height):
        picture = _resized(picture, spec, how)
    return _with_channels(np.asarray(picture).reshape(1, spec.height, spec.width, -1), spec.channels)


def _resize(pixels: Pixels, spec: DataSpec, how: Fit) -> Pixels:
    channels = pixels.shape[3]
    fitted = np.empty((len(pixels), spec.height, spec.width, channels), np.uint8)
    for image, target in zip(pixels, fitted, strict=True):
        picture = Image.frombytes(_MODES[channels], (image.shape[1], image.shape[0]), image.tobytes())
        target[...] = np.asarray(_resized(picture, spec, how)).reshape(target.shape)
    return fitted


def _resized(picture: Image.Image, spec: DataSpec, how: Fit) -> Image.Image:
    width, height = picture.size
    box = (0.0, 0.0, width, height) if how == "stretch" else _centre(width, height, spec.width / spec.height)
    # Lanczos sharpens edges. At the edge of what is transparent that would be a brighter rim: alpha has no room above opaque to
    # overshoot together with the colours. Hamming is the sharpest filter that does not.
    filter_ = Image.Resampling.HAMMING if picture.mode == "RGBa" else Image.Resampling.LANCZOS
    # reducing_gap: a large picture is first shrunk by whole factors: several times faster, and no eye sees it.
    return picture.resize((spec.width, spec.height), filter_, box=box, reducing_gap=3.0)


def _centre(width: int, height: int, aspect: float) -> tuple[float, float, float, float]:
    """The largest box of the given aspect in the middle of an image: left, top, right, bottom."""
    box_width = min(float(width), height * aspect)
    box_height = min(float(height), width / aspect)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return left, top, left + box_width, top + box_height
