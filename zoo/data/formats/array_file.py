"""One array in a .npy file or inside a .npz: its header checked, its rows streamed, nothing unpickled."""

from __future__ import annotations

import contextlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError

Array = npt.NDArray[Any]

_PIECE = 1 << 20


class ArrayFile:
    """An array on disk. `member` is the array's name in a .npz, None for a .npy.

    Raises DataError when the header is damaged, wants pickle, or does not fit the size of the file.
    """

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.path = path
        self.member = member
        self.label = f"{path}" if member is None else f"{path}, array {member!r}"
        with self._open() as (stream, size):
            self.shape, self._fortran, self.dtype = _header(stream, self.label)
            self._offset = stream.tell()
        expected = math.prod(self.shape) * self.dtype.itemsize
        if size - self._offset != expected:
            raise DataError(
                f"{self.label} is not whole: its header says {self.dtype} of shape {self.shape}, {expected:,} bytes, "
                f"but {size - self._offset:,} follow; copy or save it again"
            )
        if self._fortran and member is not None:
            raise DataError(
                f"{self.label} is stored in Fortran order and cannot be streamed; "
                "save it with numpy.ascontiguousarray, or as .npy"
            )

    def rows(self, count: int) -> Iterator[Array]:
        """The array in consecutive parts of up to `count` entries of its first axis."""
        if self.member is None:
            order: Any = "F" if self._fortran else "C"
            mapped = np.memmap(self.path, self.dtype, "r", self._offset, self.shape, order)
            for start in range(0, self.shape[0], count):
                yield np.asarray(mapped[start : start + count])
            return
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        with self._open() as (stream, _):
            stream.read(self._offset)
            for start in range(0, self.shape[0], count):
                part = min(count, self.shape[0] - start)
                data = _read(stream, part * row_bytes)
                if len(data) < part * row_bytes:
                    raise DataError(f"{self.label} is cut off; copy or save it again")
                yield np.frombuffer(data, self.dtype).reshape(part, *self.shape[1:])
            stream.read(1)  # at the end the checksum is compared

    def whole(self) -> Array:
        """The array in memory; only for labels."""
        return np.concatenate(list(self.rows(max(1, self.shape[0]))))

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], int]]:
        """A stream at the beginning of the array, and its length in bytes."""
        with contextlib.ExitStack() as stack:
            try:
                if self.member is None:
                    yield stack.enter_context(self.path.open("rb")), self.path.stat().st_size
                else:
                    archive = stack.enter_context(zipfile.ZipFile(self.path))
                    info = archive.getinfo(f"{self.member}.npy")
                    yield stack.enter_context(archive.open(info)), info.file_size
            except PermissionError:
                raise  # `open_source` says so
            except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
                raise DataError(f"{self.label} cannot be read: {error}; copy or save it again") from error
            except RuntimeError as error:  # an encrypted archive
                raise DataError(f"{self.label} cannot be read: {error}") from error


def members(path: Path) -> list[str]:
    """The names of the arrays in a .npz; raises DataError when it is not a whole archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except PermissionError:
        raise  # `open_source` says so
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no whole .npz archive: {error}; copy or save it again") from error


def _header(stream: IO[bytes], label: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"format version {version} is not an array of numbers")
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
        raise
    except Exception as error:  # NumPy parses the header as a Python literal: any kind of error can come out
        raise DataError(
            f"{label} is no NumPy array: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from error
    if dtype.hasobject:
        raise DataError(f"{label} holds Python objects, which can run code when they are read; save numbers instead")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise DataError(f"{label} has the impossible shape {shape}")
    return shape, fortran, dtype


def _read(stream: IO[bytes], size: int) -> bytes:
    """Up to `size` bytes in small reads, so that no claim is believed before the bytes are there."""
    parts = []
    while size > 0 and (part := stream.read(min(size, _PIECE))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
