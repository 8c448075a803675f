"""Pictures in .zip archives, read where they are."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.data.pictures.archive import Archive, check_size, clean, of_another_kind
from zoo.data.pictures.container import HEAD, Member
from zoo.errors import DataError
from zoo.system.names import as_utf8, shown
from zoo.system.reading import NotingFile

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    MemoryError,
)


class Zip(Archive):
    """The pictures of zip archives in the order of their names. Raises DataError for one that is damaged or encrypted, OSError."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self._archives = [_open(path) for path in paths]
        self._where: dict[str, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        self.members = sorted(self._list(), key=lambda member: as_utf8(member.name))

    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        loaded: list[Path | bytes | OSError] = []
        for member in members:
            try:
                loaded.append(self.read(member.name))
            except OSError as error:
                loaded.append(error)
        return loaded

    def read(self, name: str) -> bytes:
        archive, info = self._where[name]
        check_size(info.file_size, info.compress_size)
        try:
            with archive.open(info) as file:
                return file.read(info.file_size + 1)
        except _BROKEN as error:
            raise OSError(f"damaged in the archive ({shown(str(error))})") from error

    def _list(self) -> Iterator[Member]:
        for path, archive in zip(self.paths, self._archives, strict=True):
            prefix, stamp = self._prefix(path), path.stat().st_mtime_ns
            for info in archive.infolist():
                name = prefix + clean(info.filename)
                if info.filename.endswith("/") or not self._wanted(name):
                    continue
                if info.flag_bits & 1:
                    raise DataError(f"{path} is encrypted; unpack it with its password, and give the folder")
                self._where[name] = archive, info
                if not self._is_label_file(name) and self._is_picture(name):
                    yield Member(name, info.file_size, stamp)

    def _is_picture(self, name: str) -> bool:
        by_name = self._sort_out(name)
        if by_name is None:
            archive, info = self._where[name]
            try:
                with archive.open(info) as file:
                    return bool(self._sort_out(name, file.read(HEAD)))
            except (*_BROKEN, OSError):
                return bool(self._sort_out(name, b""))
        return by_name


def _open(path: Path) -> zipfile.ZipFile:
    file = NotingFile(path)  # which is closed when nothing refers to it any more, as the archive's own would be
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, struct.error) as error:
        file.raise_noted()
        if other := of_another_kind(path):
            raise DataError(f"{path} is no zip archive; {other}") from error
        raise DataError(f"{path} is no whole zip archive ({shown(str(error))}); copy or download it again") from error
