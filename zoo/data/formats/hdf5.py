"""One array in an HDF5 file: its rows streamed. Needs h5py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.bounds import MOST_VALUES, check_memory
from zoo.data.formats.array_file import Array
from zoo.data.pictures.needs import need
from zoo.errors import DataError
from zoo.system.names import brief, shown
from zoo.system.reading import open_plain

SUFFIXES = (".h5", ".hdf5", ".he5")

_LARGE = 64 << 20
_HIGHEST_RATIO = 1000
"""Times as large as in the file: what is beyond, and large, is no data but a bomb."""


class Hdf5Array:
    """A dataset of an HDF5 file, as `ArrayFile` is one of a .npz. Raises DataError for one that is not of plain numbers or text."""

    def __init__(self, path: Path, member: str) -> None:
        self.path = path
        self.member = member
        self.label = f"{path}, array {brief(member)}"
        with _reading(path) as file:
            found = file[member]
            self._refuse_elsewhere(found)
            if found.shape is None:
                raise DataError(f"{self.label} is empty; images are numbers")
            self.shape: tuple[int, ...] = found.shape
            self.dtype: np.dtype[Any] = found.dtype
            if found.dtype.kind == "S" or _is_text(found.dtype):
                self.dtype = np.dtype("U1")  # text, of whatever length
            if self.dtype.kind not in "iufbU":
                raise DataError(f"{self.label} holds {found.dtype}; images are numbers, labels whole numbers or text")
            held, said = found.id.get_storage_size(), math.prod(self.shape) * found.dtype.itemsize
            if said > _LARGE and said > held * _HIGHEST_RATIO:
                raise DataError(f"{self.label}: {held:,} bytes that say to be {said:,}, as no images do; save it again")

    def rows(self, count: int) -> Iterator[Array]:
        """The array in consecutive parts of up to `count` entries of its first axis."""
        with _reading(self.path) as file:
            found = file[self.member]
            if self.dtype.kind == "U":
                found = found.asstr()
            for start in range(0, self.shape[0], count):
                part = np.asarray(found[start : start + count])
                yield part.astype(str) if self.dtype.kind == "U" else part

    def whole(self) -> Array:
        """The array in memory; only for labels. Raises OutOfMemoryError where it is too large."""
        if self.shape:
            check_memory(self.label, self.shape[0], math.prod(self.shape[1:]) * self.dtype.itemsize)
        return np.concatenate(list(self.rows(max(1, self.shape[0]))))

    def _refuse_elsewhere(self, found: Any) -> None:
        """Raise DataError for what lies in other files, which nobody has named, and for parts that are too large to unpack."""
        if found.external is not None or found.is_virtual:
            raise DataError(f"{self.label} lies in other files than this one; save it as one array")
        if found.chunks is not None and math.prod(found.chunks) > MOST_VALUES:
            raise DataError(f"{self.label} is stored in chunks of shape {found.chunks}; save it in smaller ones")


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an HDF5 file, ``train/images`` in groups. Raises DataError where it is damaged."""
    names: list[str] = []

    def note(name: str, found: Any) -> None:
        if hasattr(found, "shape") and hasattr(found, "dtype"):
            names.append(name)

    with _reading(path) as file:
        file.visititems(note)
    return names


def _library() -> Any:
    return need("h5py", "hdf5", "HDF5 files")


def _is_text(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "O" and _library().check_string_dtype(dtype) is not None


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """The open file; whatever its library says of one that is damaged is a DataError."""
    h5py = _library()
    with open_plain(path):  # the library says less of what cannot be read
        pass
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (DataError, PermissionError):
        raise
    except Exception as error:  # of many kinds
        reason = shown(str(error).partition("\n")[0])
        raise DataError(f"{path} is no whole HDF5 file ({reason}); copy or save it again") from error
