"""One array in a .npy file or inside a .npz: its header checked, its rows streamed, nothing unpickled."""

from __future__ import annotations

import contextlib
import io
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from zoo.data.bounds import check_memory
from zoo.errors import DataError
from zoo.system.names import brief, shown
from zoo.system.reading import NotingFile, of_the_system, open_plain

Array = npt.NDArray[Any]

_PIECE = 1 << 20
_LONGEST_HEADER = 1 << 16  # bytes; a .npy of numbers has some hundred
_MOST_AXES = 32
_LONGEST_TEXT = 1 << 14  # bytes of an entry of an array of text


class ArrayFile:
    """An array on disk. `member` is the array's name in a .npz, None for a .npy.

    Raises DataError when the header is damaged, wants pickle, or does not fit the size of the file.
    """

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.path = path
        self.member = member
        self.label = f"{path}" if member is None else f"{path}, array {brief(member)}"
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
            if not math.prod(self.shape):
                yield np.empty(self.shape, self.dtype)  # there is nothing to map
                return
            try:
                mapped = np.memmap(self.path, self.dtype, "r", self._offset, self.shape, order)
            except ValueError as error:  # it has become shorter
                raise DataError(f"{self.label} cannot be read: {error}; copy or save it again") from error
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
        """The array in memory; only for labels. Raises OutOfMemoryError where it is too large."""
        if self.shape:
            check_memory(self.label, self.shape[0], math.prod(self.shape[1:]) * self.dtype.itemsize)
        return np.concatenate(list(self.rows(max(1, self.shape[0]))))

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], int]]:
        """A stream at the beginning of the array, and its length in bytes."""
        noting: NotingFile | None = None
        with contextlib.ExitStack() as stack:
            try:
                if self.member is None:
                    yield stack.enter_context(open_plain(self.path)), self.path.stat().st_size
                else:
                    noting = stack.enter_context(NotingFile(self.path))
                    archive = stack.enter_context(zipfile.ZipFile(noting))
                    info = archive.getinfo(f"{self.member}.npy")
                    yield stack.enter_context(archive.open(info)), info.file_size
            except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
                if noting is not None:
                    noting.raise_noted()
                if of_the_system(error):
                    raise
                raise DataError(f"{self.label} cannot be read: {_words(error)}; copy or save it again") from error
            except RuntimeError as error:  # an encrypted archive, or one of a kind that is not known
                raise DataError(f"{self.label} cannot be read: {_words(error)}") from error


def members(path: Path) -> list[str]:
    """The names of the arrays in a .npz; raises DataError when it is not a whole archive."""
    file = NotingFile(path)
    try:
        with file, zipfile.ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (OSError, ValueError, RuntimeError, EOFError, struct.error, zipfile.BadZipFile) as error:
        file.raise_noted()
        if of_the_system(error):
            raise
        raise DataError(f"{path} is no whole .npz archive: {_words(error)}; copy or save it again") from error


def read_array(content: bytes, label: str) -> Array:
    """The array in the bytes of a .npy file. Raises DataError where it is none of numbers or text, or not whole."""
    stream = io.BytesIO(content)
    try:
        shape, fortran, dtype = _header(stream, label)
    except (EOFError, OSError) as error:
        raise DataError(f"{label} cannot be read: it is no NumPy array ({_words(error)})") from error
    left, expected = len(content) - stream.tell(), math.prod(shape) * dtype.itemsize
    if left != expected or not expected:
        raise DataError(
            f"{label} is not whole: {dtype} of shape {shape} take {expected:,} bytes, and {left:,} bytes are there"
        )
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")


def _words(error: Exception) -> str:
    return shown(str(error) or type(error).__name__)


def _header(stream: IO[bytes], label: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        start = stream.tell()
        length = int.from_bytes(stream.read(2 if version == (1, 0) else 4), "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"a header of {length:,} bytes")
        stream.seek(start)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"format version {version} is not an array of numbers")
    except (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
        raise
    except Exception as error:  # NumPy parses the header as a Python literal: any kind of error can come out
        words = shown(str(error).partition("\n")[0]) or type(error).__name__
        raise DataError(f"{label} cannot be read: it is no NumPy array ({words})") from error
    if dtype.hasobject:
        raise DataError(f"{label} holds Python objects, which can run code when they are read; save numbers instead")
    if len(shape) > _MOST_AXES or not all(isinstance(size, int) and 0 <= size < 2**63 for size in shape):
        raise DataError(f"{label} has the impossible shape {brief(shape)}")
    if not dtype.itemsize or (dtype.kind in "SUV" and dtype.itemsize > _LONGEST_TEXT):
        raise DataError(f"{label} has entries of {dtype.itemsize:,} bytes; at most {_LONGEST_TEXT:,} are read")
    return shape, fortran, dtype


def _read(stream: IO[bytes], size: int) -> bytes:
    """Up to `size` bytes in small reads, so that no claim is believed before the bytes are there."""
    parts = []
    while size > 0 and (part := stream.read(min(size, _PIECE))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
