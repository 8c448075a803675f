"""One array in an HDF5 file: its rows streamed. Needs h5py."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
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


class Hdf5Array:
    """A dataset of an HDF5 file, as `ArrayFile` is one of a .npz. Raises DataError for one that is not of plain numbers or text."""

    def __init__(self, path: Path, member: str) -> None:
        self.path = path
        self.member = member
        self.label = f"{path}, array {brief(member)}"
        with _open(path) as file, self._damage():
            found = file[member]
            self._refuse_elsewhere(found)
            self.shape: tuple[int, ...] = found.shape
            self.dtype: np.dtype[Any] = found.dtype
            text = found.dtype.kind in "SO" and getattr(found.dtype, "metadata", None) is not None
            if found.dtype.kind == "S" or text:
                self.dtype = np.dtype("U1")  # text, of whatever length
            if self.dtype.kind not in "iufbU":
                raise DataError(f"{self.label} holds {found.dtype}; images are numbers, labels whole numbers or text")

    def rows(self, count: int) -> Iterator[Array]:
        """The array in consecutive parts of up to `count` entries of its first axis."""
        with _open(self.path) as file:
            with self._damage():
                found = file[self.member]
                if self.dtype.kind == "U":
                    found = found.asstr()
            for start in range(0, self.shape[0], count):
                with self._damage():
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

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (DataError, PermissionError):
            raise
        except Exception as error:  # the library has errors of all kinds
            raise DataError(f"{self.label} cannot be read: {_reason(error)}; copy or save it again") from error


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an HDF5 file, ``train/images`` in groups. Raises DataError where it is damaged."""
    names: list[str] = []

    def note(name: str, found: Any) -> None:
        if hasattr(found, "shape") and hasattr(found, "dtype"):
            names.append(name)

    with _open(path) as file:
        try:
            file.visititems(note)
        except Exception as error:
            raise DataError(f"{path} is no whole HDF5 file ({_reason(error)}); copy or save it again") from error
    return names


def _open(path: Path) -> Any:
    h5py = need("h5py", "hdf5", "HDF5 files")
    with open_plain(path):  # the library says less of what cannot be read
        pass
    try:
        return h5py.File(path, "r")
    except PermissionError:
        raise
    except Exception as error:
        raise DataError(f"{path} is no whole HDF5 file ({_reason(error)}); copy or save it again") from error


def _reason(error: Exception) -> str:
    return shown(str(error).partition("\n")[0])
