"""NumPy arrays of images: .npy and .npz."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.cache import digest, hash_file
from zoo.data.formats.array_file import Array, ArrayFile, members
from zoo.data.images import Images
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.transparency import over_white
from zoo.errors import DataError

_CHUNK = 1 << 20  # bytes of the array per work item
_LARGEST_SIDE = 1 << 15
_LAYOUTS = ("nchw", "nhwc")
_IMAGE_KEYS = ("images", "x", "x_train", "train_images", "data", "arr_0")
_LABEL_KEYS = ("labels", "y", "y_train", "train_labels")


class ArraySource(DataSource):
    """Images in a NumPy array: (N, H, W), (N, H, W, C) or (N, C, H, W) with C in 1, 3, 4 (4: with alpha).

    uint8; uint16 (scaled by 255/65535); bool; floats in [0, 1], or in [-1, 1] when any is negative. In a .npz the array
    is called images, x, x_train, train_images or data (or is the only one), labels are called labels, y, y_train or
    train_labels; labels of NAME.npy lie in NAME-labels.npy. `FILE:nchw` and `FILE:nhwc` say what a shape leaves open.
    """

    name = "arrays"
    summary = "NumPy arrays of images, .npy or .npz, with or without labels."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A .npy or .npz file."""
        try:
            path = Path(os.path.expanduser(_split(location)[0]))
            return path.suffix.lower() in (".npy", ".npz") and path.is_file()
        except (OSError, ValueError):
            return False

    def __init__(self, location: str) -> None:
        given, layout = _split(location)
        self._path = path = Path(os.path.expanduser(given))
        if not path.is_file():
            raise DataError(f"there is no file {given!r}; --data arrays:FILE wants a .npy or .npz file")
        with path.open("rb") as file:
            packed = file.read(2) == b"PK"
        names = members(path) if packed else []
        self._images = ArrayFile(path, _image_key(path, names) if packed else None)
        self._label_path = path.with_name(f"{path.stem}-labels.npy")
        key = next((name for name in _LABEL_KEYS if name in names), None)
        self._layout, self.height, self.width, stored = _understand(self._images, layout)
        self._kind = _kind(self._images)
        self.channels = 1 if stored == 1 else 3
        self.transparent = len(self) if stored == 4 else 0
        labels = None
        if key is not None:
            labels = ArrayFile(path, key)
        elif self._label_path.is_file():
            labels = ArrayFile(self._label_path)
        self._has_label_file = labels is not None and key is None
        self._labels, self.class_names = _read_labels(labels, self._images)
        self.title = path.name

    def __len__(self) -> int:
        return self._images.shape[0]

    def fingerprint(self) -> str:
        labels = hash_file(self._label_path) if self._has_label_file else None
        return digest("arrays", hash_file(self._path), self._images.member, labels, self._layout)

    def chunks(self) -> Iterator[tuple[int, Array, bool]]:
        """(index of the first image, the stored values of some images, whether floats are in [-1, 1])."""
        signed = self._kind == "float" and self._float_range()
        start = 0
        for part in self._images.rows(self._rows_per_chunk()):
            yield start, part, signed
            start += len(part)

    def decode(self, item: tuple[int, Array, bool], spec: DataSpec) -> Iterator[Images]:
        start, values, signed = item
        if self._layout == "nhw":
            values = values[..., None]
        elif self._layout == "nchw":
            values = values.transpose(0, 2, 3, 1)
        pixels = _to_bytes(values, self._kind, signed)
        if pixels.shape[3] == 4 and spec.channels != 4:
            pixels = over_white(pixels)
        yield Images(pixels, None if self._labels is None else self._labels[start : start + len(pixels)])

    def _rows_per_chunk(self) -> int:
        return max(1, _CHUNK // (math.prod(self._images.shape[1:]) * self._images.dtype.itemsize))

    def _float_range(self) -> bool:
        """One pass over floats: whether they are in [-1, 1] rather than [0, 1]; anything else is a DataError."""
        lowest, highest, start = math.inf, -math.inf, 0
        for part in self._images.rows(self._rows_per_chunk()):
            low, high = float(part.min()), float(part.max())
            if math.isnan(low) or math.isnan(high):
                image = start + int(np.isnan(part).reshape(len(part), -1).any(axis=1).argmax())
                raise DataError(
                    f"{self._images.label}: image {image} holds NaN; images must be numbers in [0, 1] or [-1, 1]"
                )
            lowest, highest, start = min(lowest, low), max(highest, high), start + len(part)
        if lowest < -1.000001 or highest > 1.000001:
            raise DataError(
                f"{self._images.label}: floats from {lowest:g} to {highest:g}; expected [0, 1] or [-1, 1]. "
                "Divide them by their largest value, or save bytes 0 to 255 as uint8"
            )
        return lowest < 0


def _split(location: str) -> tuple[str, str | None]:
    """The path, and the layout that may follow it after a colon."""
    path, colon, layout = location.rpartition(":")
    return (path, layout) if colon and layout in _LAYOUTS else (location, None)


def _image_key(path: Path, names: list[str]) -> str:
    for name in _IMAGE_KEYS:
        if name in names:
            return name
    others = [name for name in names if name not in _LABEL_KEYS]
    if len(others) == 1:
        return others[0]
    found = ", ".join(sorted(names)) or "no arrays"
    raise DataError(f"{path} holds {found}; call the array of images 'images' (and that of labels 'labels')")


def _understand(array: ArrayFile, layout: str | None) -> tuple[str, int, int, int]:
    """Layout ("nhw", "nhwc", "nchw"), height, width and stored channels."""
    shape = array.shape
    if len(shape) == 3:
        found = ("nhw", shape[1], shape[2], 1)
    elif len(shape) == 4:
        last, first = shape[3] in (1, 3, 4), shape[1] in (1, 3, 4)
        if last and first and layout is None:
            raise DataError(
                f"{array.label} of shape {shape} could be (N, C, H, W) or (N, H, W, C); "
                f"say which: --data {array.path}:nchw or --data {array.path}:nhwc"
            )
        if not (first if layout == "nchw" else last if layout == "nhwc" else last or first):
            raise DataError(f"{array.label} of shape {shape} has no axis of 1, 3 or 4 channels where it is expected")
        if layout == "nhwc" or (layout is None and last):
            found = ("nhwc", shape[1], shape[2], shape[3])
        else:
            found = ("nchw", shape[2], shape[3], shape[1])
    else:
        raise DataError(f"{array.label} has the shape {shape}; expected (N, H, W), (N, H, W, C) or (N, C, H, W)")
    if shape[0] == 0:
        raise DataError(f"{array.label} holds no images (its shape is {shape})")
    if not (2 <= found[1] <= _LARGEST_SIDE and 2 <= found[2] <= _LARGEST_SIDE):
        raise DataError(
            f"{array.label} of shape {shape} holds images of {found[2]}×{found[1]} pixels; "
            f"each side must be between 2 and {_LARGEST_SIDE}"
        )
    return found


def _kind(array: ArrayFile) -> str:
    if array.dtype in (np.uint8, np.uint16, np.bool_):
        return str(array.dtype.name)
    if array.dtype.kind == "f":
        return "float"
    raise DataError(
        f"{array.label} is of type {array.dtype}; expected uint8, uint16, bool or floats "
        "(numbers from 0 to 255 become uint8 with .astype('uint8'))"
    )


def _to_bytes(values: Array, kind: str, signed: bool) -> npt.NDArray[np.uint8]:
    if kind == "bool":
        values = np.where(values, np.uint8(255), np.uint8(0))
    elif kind == "uint16":
        values = (values.astype(np.uint32) * 255 + 32767) // 65535
    elif kind == "float":
        unit = values.astype(np.float32)
        values = np.clip((unit + np.float32(1)) / np.float32(2) if signed else unit, 0, 1) * np.float32(255)
        values = values + np.float32(0.5)
    pixels: npt.NDArray[np.uint8] = values.astype(np.uint8, copy=False)
    return pixels


def _read_labels(file: ArrayFile | None, images: ArrayFile) -> tuple[npt.NDArray[np.int64] | None, list[str]]:
    if file is None:
        return None, []
    count = images.shape[0]
    if file.shape not in ((count,), (count, 1)):
        raise DataError(f"{file.label} has the shape {file.shape}; {count:,} images need labels of shape ({count},)")
    if file.dtype.kind not in "iubU":
        raise DataError(f"{file.label} is of type {file.dtype}; labels are whole numbers or text")
    values, labels = np.unique(file.whole().reshape(-1), return_inverse=True)
    return labels.astype(np.int64), [str(value) for value in values]
