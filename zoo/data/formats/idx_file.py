"""One IDX file: its header checked against its content, its payload streamed."""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn, cast

from zoo.errors import DataError
from zoo.system.reading import of_the_system, open_plain

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8 = 0x08
_PIECE = 1 << 20
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, OSError)


class IdxFile:
    """The header and the payload of an IDX file of unsigned bytes, plain or gzip (told apart by the first bytes).

    The format: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian uint32, then the
    values (http://yann.lecun.com/exdb/mnist). Nothing is allocated by what a header claims; only what is there is read.
    """

    def __init__(self, path: Path, dimensions: int, what: str) -> None:
        self.path = path
        self._what = what
        self._gzip = False
        try:
            with open_plain(path) as file:
                self._gzip = file.read(2) == _GZIP_MAGIC
            with self._open() as stream:
                self.shape = self._header(stream, dimensions)
        except FileNotFoundError:
            raise DataError(f"{path} does not exist") from None
        except IsADirectoryError:
            raise DataError(f"{path} is a folder, not an IDX file") from None
        except _DAMAGE as error:
            self._damaged(error)
        self._offset = 4 + 4 * dimensions
        self.item_bytes = math.prod(self.shape[1:])

    @staticmethod
    def looks_like(path: Path) -> bool:
        """Whether the file begins like an IDX file of bytes with three dimensions."""
        try:
            with open_plain(path) as file:
                start = file.read(4)
                if start[:2] == _GZIP_MAGIC:
                    file.seek(0)
                    with gzip.GzipFile(fileobj=file) as unpacked:
                        start = unpacked.read(4)
        except _DAMAGE as error:
            if of_the_system(error):
                raise
            return False
        return start == bytes((0, 0, _UINT8, 3))

    def check_length(self) -> None:
        """Raise DataError when the payload is certainly not as long as the header says.

        A plain file is judged by its size. A gzip file carries its unpacked size in the last four bytes; only when
        that disagrees (several members, padding, damage) is it unpacked here to be sure.
        """
        expected = self._offset + math.prod(self.shape)
        size = self.path.stat().st_size
        if not self._gzip:
            if size != expected:
                self._wrong_length(f"{max(0, size - self._offset):,}")
            return
        with open_plain(self.path) as file:
            file.seek(-4, 2)
            (claimed,) = struct.unpack("<I", file.read(4))
        if claimed != expected % 2**32:
            for _ in self.pieces(_PIECE):
                pass

    def pieces(self, size: int) -> Iterator[bytes]:
        """The payload in pieces of `size` bytes (the last may be shorter); raises DataError where it is not whole."""
        expected = math.prod(self.shape)
        seen = 0
        try:
            with self._open() as stream:
                stream.read(self._offset)
                while seen < expected:
                    wanted = min(size, expected - seen)
                    piece = _read(stream, wanted)
                    seen += len(piece)
                    if len(piece) < wanted:
                        self._wrong_length(f"{seen:,}")
                    yield piece
                # Reading on to the end also makes gzip compare its checksum.
                if stream.read(1):
                    self._wrong_length("more")
        except _DAMAGE as error:
            self._damaged(error)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with open_plain(self.path) as file:
            if self._gzip:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield file

    def _header(self, stream: IO[bytes], dimensions: int) -> tuple[int, ...]:
        start = stream.read(4)
        if len(start) < 4:
            raise DataError(f"{self.path} is too short for an IDX file: it ends after {len(start)} bytes")
        wanted = bytes((0, 0, _UINT8, dimensions))
        if start != wanted:
            if start[:2] != b"\0\0":
                problem = f"it begins with {start.hex(' ')}"
            elif start[2] != _UINT8:
                problem = f"its values are of type 0x{start[2]:02x}, not unsigned bytes (0x08)"
            else:
                problem = f"it has {start[3]} dimensions"
            raise DataError(
                f"{self.path} is not an IDX file of {self._what}: {problem}; such a file begins with {wanted.hex(' ')}"
            )
        sizes = stream.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise DataError(f"{self.path} ends inside its header, after {4 + len(sizes)} bytes")
        return struct.unpack(f">{dimensions}I", sizes)

    def _wrong_length(self, found: str) -> NoReturn:
        claimed = "×".join(str(size) for size in self.shape)
        raise DataError(
            f"{self.path} does not hold what its header says: {self._what} of {claimed} "
            f"are {math.prod(self.shape):,} bytes, but {found} follow the header; copy or download it again"
        )

    def _damaged(self, error: Exception) -> NoReturn:
        if of_the_system(error):
            raise error  # nobody has seen what is in it
        problem = "damaged or cut-off gzip data" if self._gzip else "unreadable"
        raise DataError(f"{self.path}: {problem} ({error}); copy or download it again") from error


def _read(stream: IO[bytes], size: int) -> bytes:
    """Up to `size` bytes, in small reads: a single large read would allocate all of it before looking."""
    parts = []
    while size > 0 and (part := stream.read(min(size, _PIECE))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
