"""One array in an HDF5 file: its rows streamed. Needs h5py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.formats.array_file import Array
from zoo.data.pictures.needs import need
from zoo.errors import DataError

SUFFIXES = (".h5", ".hdf5", ".he5")


class Hdf5Array:
    """A dataset of an HDF5 file, as `ArrayFile` is one of a .npz. Raises DataError for one that is not of plain numbers or text."""

    def __init__(self, path: Path, member: str) -> None:
        self.path = path
        self.member = member
        self.label = f"{path}, array {member!r}"
        with _open(path) as file:
            found = file[member]
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
            found = file[self.member]
            if self.dtype.kind == "U":
                found = found.asstr()
            for start in range(0, self.shape[0], count):
                try:
                    part = np.asarray(found[start : start + count])
                except (OSError, ValueError, RuntimeError) as error:
                    raise DataError(f"{self.label} cannot be read: {_reason(error)}; copy or save it again") from error
                yield part.astype(str) if self.dtype.kind == "U" else part

    def whole(self) -> Array:
        """The array in memory; only for labels."""
        return np.concatenate(list(self.rows(max(1, self.shape[0]))))


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an HDF5 file, ``train/images`` in groups. Raises DataError where it is damaged."""
    names: list[str] = []

    def note(name: str, found: Any) -> None:
        if hasattr(found, "shape") and hasattr(found, "dtype"):
            names.append(name)

    with _open(path) as file:
        file.visititems(note)
    return names


def _open(path: Path) -> Any:
    h5py = need("h5py", "hdf5", "HDF5 files")
    try:
        return h5py.File(path, "r")
    except PermissionError:
        raise
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path} is no whole HDF5 file ({_reason(error)}); copy or save it again") from error


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]
