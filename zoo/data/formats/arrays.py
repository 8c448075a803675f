"""Arrays of images: .npy, .npz and HDF5."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.bounds import check_image
from zoo.data.cache import digest, hash_file
from zoo.data.class_names import ordered
from zoo.data.formats import hdf5
from zoo.data.formats.array_file import Array, ArrayFile, members
from zoo.data.images import Images
from zoo.data.pictures.layout import counted
from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.transparency import over
from zoo.data.values import NATURAL, Limits, to_bytes, widened
from zoo.errors import DataError
from zoo.system.names import printable, shown
from zoo.system.reading import absent, is_file, open_plain

AnyArray = ArrayFile | hdf5.Hdf5Array

_CHUNK = 1 << 20  # bytes of the array per work item
_LAYOUTS = ("nchw", "nhwc")
_IMAGE_KEYS = ("images", "x", "x_train", "train_images", "data", "arr_0")
_LABEL_KEYS = ("labels", "y", "y_train", "train_labels")
_NAMES_KEY = "class_names"
_LISTED = 12  # arrays that are named where none is meant


class ArraySource(DataSource):
    """Images in an array: (N, H, W), (N, H, W, C) or (N, C, H, W) with C in 1, 3, 4 (4: with alpha).

    uint8; uint16 (scaled by 255/65535); bool; floats in [0, 1], or in [-1, 1] when any is negative. In a .npz the array
    or an HDF5 file is called images, x, x_train, train_images or data (or is the only one), labels are called labels, y, y_train
    or train_labels; labels of NAME.npy lie in NAME-labels.npy. `FILE:nchw` and `FILE:nhwc` say what a shape leaves open.
    Labels are text, or numbers, which are the names of the classes; beside an array class_names in the .npz, whole numbers are
    places in it, so that a class may have no image.
    """

    name = "arrays"
    summary = "Arrays of images, .npy, .npz or HDF5 (.h5), with or without labels."
    takes = ("levels", "background")

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A .npy, .npz or HDF5 file."""
        try:
            path = Path(os.path.expanduser(_split(location)[0]))
            return path.suffix.lower() in (".npy", ".npz", *hdf5.SUFFIXES) and is_file(path)
        except (OSError, ValueError) as error:
            return absent(error)

    def __init__(self, location: str, reading: Reading | None = None) -> None:
        self._reading = reading or Reading()
        given, layout = _split(location)
        self._path = path = Path(os.path.expanduser(given))
        if not is_file(path):
            raise DataError(f"there is no file {given!r}; --data arrays:FILE wants a .npy, .npz or .h5 file")
        names = _names(path)
        self._images = _array(path, _image_key(path, names) if names is not None else None)
        names = names or []
        self._label_path = path.with_name(f"{path.stem}-labels.npy")
        key = _called(_LABEL_KEYS, names)
        self._layout, self.height, self.width, stored = _understand(self._images, layout)
        self._kind = _kind(self._images, any_number=self._reading.levels is not None)
        self.channels = 1 if stored == 1 else 3
        self.transparent = len(self) if stored == 4 else 0
        labels: AnyArray | None = None
        if key is not None:
            labels = _array(path, key)
        elif is_file(self._label_path):
            labels = ArrayFile(self._label_path)
        self._has_label_file = labels is not None and key is None
        names_key = None if key is None else _called((_NAMES_KEY,), names)
        names_file = None if names_key is None else _array(path, names_key)
        self._labels, self.class_names = _read_labels(labels, self._images, names_file)
        self._names = self.class_names if names_file is not None else []
        self.title = shown(path.name)
        self._tell(names, labels)

    def _tell(self, names: Sequence[str], labels: AnyArray | None) -> None:
        """Note the classes with the number of images of each, and the arrays that are not used."""
        if self._labels is not None and labels is not None:
            texts = [self.class_names[label] for label in self._labels.tolist()]
            where = shown(labels.label.rpartition(", ")[2] if labels.member else labels.path.name)
            self.notes = (f"{self.classes:,} classes, by {where}: {counted(texts, self.class_names)}",)
        known = {self._images.member, None if labels is None else labels.member}
        others = [name for name in names if name not in known and name.rpartition("/")[2] not in (_NAMES_KEY, "seeds")]
        if others:
            self.unused = (f"arrays {', '.join(map(shown, others[:5]))}{', …' if len(others) > 5 else ''}",)
            self.notes = (*self.notes, f"not used: {self.unused[0]}")

    def __len__(self) -> int:
        return self._images.shape[0]

    def fingerprint(self) -> str:
        labels = hash_file(self._label_path) if self._has_label_file else None
        kind = [part for item in sorted(self._reading.changed.items()) for part in item]
        return digest("arrays", hash_file(self._path), self._images.member, labels, self._layout, *self._names, *kind)

    def chunks(self) -> Iterator[tuple[int, Array, Limits]]:
        """(index of the first image, the stored values of some images, what becomes black and white)."""
        limits = self._limits()
        start = 0
        for part in self._images.rows(self._rows_per_chunk()):
            yield start, part, limits
            start += len(part)

    def decode(self, item: tuple[int, Array, Limits], spec: DataSpec) -> Iterator[Images]:
        start, values, limits = item
        if self._layout == "nhw":
            values = values[..., None]
        elif self._layout == "nchw":
            values = values.transpose(0, 2, 3, 1)
        pixels = to_bytes(values, limits)
        if pixels.shape[3] == 4 and spec.channels != 4:
            pixels = over(pixels, self._reading.colour)
        yield Images(pixels, None if self._labels is None else self._labels[start : start + len(pixels)])

    def _rows_per_chunk(self) -> int:
        return max(1, _CHUNK // (math.prod(self._images.shape[1:]) * self._images.dtype.itemsize))

    def _limits(self) -> Limits:
        """What becomes black and white: as asked for, as usual for such numbers, or as a pass over them finds. Raises DataError."""
        if (given := self._reading.limits) is not None:
            return given
        if self._reading.levels is None and self._kind != "float":
            return NATURAL[self._kind]
        low, high = self._range()
        if self._reading.levels is not None:
            if low == high:
                raise DataError(
                    f"{self._images.label}: all numbers are {low:g}; there is nothing for --levels auto to spread"
                )
            return low, high
        if low < -1.000001 or high > 1.000001:
            raise DataError(
                f"{self._images.label}: floats from {low:g} to {high:g}; expected [0, 1] or [-1, 1]. "
                "Say what is black and what is white: --levels 0,255, or --levels auto"
            )
        return (-1, 1) if low < 0 else NATURAL["float"]

    def _range(self) -> Limits:
        """The lowest and the highest of all numbers. Raises DataError for NaN."""
        limits: Limits | None = None
        start = 0
        for part in self._images.rows(self._rows_per_chunk()):
            low, high = float(part.min()), float(part.max())
            if math.isnan(low) or math.isnan(high):
                image = start + int(np.isnan(part).reshape(len(part), -1).any(axis=1).argmax())
                raise DataError(
                    f"{self._images.label}: image {image} holds NaN; images must be numbers in [0, 1] or [-1, 1]"
                )
            limits, start = widened(limits, (low, high)), start + len(part)
        return limits or NATURAL["float"]


def _names(path: Path) -> list[str] | None:
    """The names of the arrays in a file; None for .npy, which is one."""
    if path.suffix.lower() in hdf5.SUFFIXES:
        return hdf5.arrays_of(path)
    with open_plain(path) as file:
        packed = file.read(2) == b"PK"
    return members(path) if packed else None


def _array(path: Path, name: str | None) -> ArrayFile | hdf5.Hdf5Array:
    if path.suffix.lower() in hdf5.SUFFIXES:
        return hdf5.Hdf5Array(path, name or "")
    return ArrayFile(path, name)


def _called(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of the names that is wanted, within a group perhaps: train/images."""
    return next((name for each in wanted for name in names if name == each or name.endswith(f"/{each}")), None)


def _split(location: str) -> tuple[str, str | None]:
    """The path, and the layout that may follow it after a colon."""
    path, colon, layout = location.rpartition(":")
    return (path, layout) if colon and layout in _LAYOUTS else (location, None)


def _image_key(path: Path, names: list[str]) -> str:
    if (found := _called(_IMAGE_KEYS, names)) is not None:
        return found
    others = [name for name in names if name.rpartition("/")[2] not in (*_LABEL_KEYS, _NAMES_KEY)]
    if len(others) == 1:
        return others[0]
    listed = ", ".join(map(shown, sorted(names)[:_LISTED])) or "no arrays"
    listed += f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    raise DataError(f"{path} holds {listed}; call the array of images 'images' (and that of labels 'labels')")


def _understand(array: AnyArray, layout: str | None) -> tuple[str, int, int, int]:
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
    check_image(f"{array.label} of shape {shape}", *found[1:])
    return found


def _kind(array: AnyArray, any_number: bool) -> str:
    """The kind of its numbers (`NATURAL`). Raises DataError for one without a usual black and white unless `any_number` will do."""
    if array.dtype in (np.uint8, np.uint16, np.bool_):
        return str(array.dtype.name)
    if array.dtype.kind == "f":
        return "float"
    if any_number and array.dtype.kind in "iu":
        return "number"
    raise DataError(
        f"{array.label} is of type {array.dtype}; expected uint8, uint16, bool or floats "
        "(numbers from 0 to 255 become uint8 with .astype('uint8'); --levels 0,4095 says what is black and white)"
    )


def _read_labels(
    file: AnyArray | None, images: AnyArray, names_file: AnyArray | None
) -> tuple[npt.NDArray[np.int64] | None, list[str]]:
    if file is None:
        return None, []
    count = images.shape[0]
    if file.shape not in ((count,), (count, 1)):
        raise DataError(f"{file.label} has the shape {file.shape}; {count:,} images need labels of shape ({count},)")
    if file.dtype.kind not in "iubU":
        raise DataError(f"{file.label} is of type {file.dtype}; labels are whole numbers or text")
    values, labels = np.unique(file.whole().reshape(-1), return_inverse=True)
    labels = labels.reshape(-1)
    names = [printable(str(value)) for value in values]
    if names_file is None:
        classes = ordered(names)
        return _places(names, classes)[labels], classes
    classes = _read_names(names_file)
    if file.dtype.kind == "U":
        if strange := [name for name in names if name not in classes]:
            raise DataError(
                f"{file.label}: {strange[0]!r} is not in {names_file.label}, which names {len(classes)} classes"
            )
        return _places(names, classes)[labels], classes
    if not 0 <= int(values[0]) <= int(values[-1]) < len(classes):
        raise DataError(
            f"{file.label} holds numbers from {values[0]} to {values[-1]}; beside {names_file.label} of {len(classes)} names "
            f"they are places in it, 0 to {len(classes) - 1}"
        )
    return values.astype(np.int64)[labels], classes


def _places(names: list[str], classes: list[str]) -> npt.NDArray[np.int64]:
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place[name] for name in names], np.int64)


def _read_names(file: AnyArray) -> list[str]:
    if len(file.shape) != 1 or not file.shape[0] or file.dtype.kind not in "iubU":
        raise DataError(
            f"{file.label} is of type {file.dtype} and shape {file.shape}; expected text, one name for each class"
        )
    names = [printable(str(name)) for name in file.whole()]
    twice, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{file.label} names the class {twice!r} twice; give every class a name of its own")
    return names
