"""A tar archive, packed or not, open for reading: no header of it is believed about how much there is."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from zoo.data.pictures.container import LARGEST
from zoo.system.reading import NotingFile

_MOST_AT_ONCE = LARGEST + (1 << 20)
_MOST_IN_A_HEADER = 1 << 20
"""Bytes of a name, or of the notes of a member. Its length stands before it, and some KB can unpack to gigabytes of it."""

_XZ_MEMORY = 256 << 20
"""Bytes that unpacking may take: what xz -9 asks for is 65 MB."""

_BEGINNING = 1 << 16
"""Bytes of a packed file that tell how much memory it takes."""


class _Careful(io.RawIOBase):
    """Reads on from a file. What asks for more at once than any member has gets an error, before room is made for it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise tarfile.ReadError(f"{size:,} bytes at once")
        return self._file.read(size)

    def seek(self, place: int, whence: int = 0, /) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()


class _Info(tarfile.TarInfo):
    """A member whose notes, which stand before it, are of a size that notes have."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _Info:
        info = super().frombuf(buf, encoding, errors)
        notes = (
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
        )
        if info.type in notes and info.size > _MOST_IN_A_HEADER:
            raise tarfile.ReadError(f"notes of {info.size:,} bytes")
        return info


@contextlib.contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive. Raises tarfile.ReadError and what decompressing raises where it is damaged, OSError."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(NotingFile(path))
        start = file.read(6)
        file.seek(0)
        unpacked: Any = file
        if start[:2] == b"\x1f\x8b":
            unpacked = stack.enter_context(gzip.GzipFile(fileobj=file))
        elif start[:3] == b"BZh":
            unpacked = stack.enter_context(bz2.BZ2File(file))
        elif start in (b"\xfd7zXZ\x00", b"\x5d\x00\x00\x80\x00\x00"):
            unpacked = stack.enter_context(_xz(file))
        careful = cast("IO[bytes]", _Careful(unpacked))
        try:
            yield stack.enter_context(tarfile.open(fileobj=careful, mode="r:", tarinfo=_Info))
        except (tarfile.TarError, EOFError):
            file.raise_noted()
            raise


def _xz(file: Any) -> io.BufferedIOBase:
    """What an .xz file unpacks to. Raises LZMAError where unpacking would take much memory."""
    lzma.LZMADecompressor(memlimit=_XZ_MEMORY).decompress(file.read(_BEGINNING), max_length=1)
    file.seek(0)
    return lzma.LZMAFile(file, format=lzma.FORMAT_AUTO)
