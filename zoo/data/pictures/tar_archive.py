"""Pictures in .tar archives, packed or not, and in the shards that WebDataset writes."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from zoo.data.pictures import unused
from zoo.data.pictures.archive import Archive, check_size, clean, of_another_kind
from zoo.data.pictures.container import HEAD, Member, Sequential
from zoo.data.pictures.label_file import SeveralError, one_label
from zoo.data.pictures.tar_file import open_tar
from zoo.errors import DataError
from zoo.system.names import cut, shown
from zoo.system.parsing import parse_json
from zoo.system.reading import TEXT, of_the_system

_BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError, RecursionError)

_LABEL = (".cls", ".json")
"""What stands beside a picture in a WebDataset and tells its class: 000001.jpg, 000001.cls."""

_LONGEST_NAME = 1000
"""Letters of a class's name."""

_LONGEST = 1 << 20
"""Bytes of such a file that are read."""


class Tar(Archive, Sequential):
    """The pictures of tar archives, in the archives' order. Raises DataError for one that is damaged, OSError.

    A packed one (.tar.gz) can only be read from its beginning on: it is read in order, once to list it and once each time the
    pictures are wanted.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self._classes: dict[str, str] = {}
        self._small: dict[str, bytes] = {}
        self.members = []
        self._places: list[tuple[int, int]] = []
        """Of each member: its archive, and its place in that."""
        for number, path in enumerate(self.paths):
            try:
                self._list(number, path)
            except _BROKEN as error:  # in what stands beside the pictures
                raise DataError(_damaged(path, error)) from error
        if self._classes and not self.several_labels:
            self.labels_from = "the .cls and .json files beside the pictures"
            self.labels = [self._classes.get(_key(member.name)) for member in self.members]

    def _content(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes | OSError:
        try:
            check_size(info.size)
            return _read(archive, info, info.size)
        except OSError as error:
            return error
        except _BROKEN as error:
            raise DataError(_damaged(self.path, error)) from error

    def read(self, name: str) -> bytes:
        return self._small[name]

    def _list(self, number: int, path: Path) -> None:
        prefix, stamp = self._prefix(path), path.stat().st_mtime_ns
        for place, (info, archive) in enumerate(_infos(path)):
            if info.isdir():
                continue
            name = prefix + clean(info.name)
            if not info.isreg():
                self.unused.add(unused.SPECIAL, name)
                continue
            if not self._wanted(name):
                continue
            suffix = PurePosixPath(info.name).suffix
            if suffix == ".cls" or (suffix == ".json" and not self._is_label_file(name)):
                self._note_class(name, suffix, _read(archive, info, _LONGEST))
            elif name in self.label_files or self._is_label_file(name):
                self._keep(name, path, _read(archive, info, TEXT))
            elif self._is_picture(name, archive, info):
                self.members.append(Member(name, info.size, stamp, len(self.members)))
                self._places.append((number, place))

    def _keep(self, name: str, path: Path, content: bytes) -> None:
        """Keep a label file in memory: one is read when the pictures are known, and the archive is past it by then."""
        self._small[name] = content
        if sum(map(len, self._small.values())) > TEXT:
            raise DataError(f"{path} has label files of more than {TEXT:,} bytes in all; leave some of them out")

    def _is_picture(self, name: str, archive: tarfile.TarFile, info: tarfile.TarInfo) -> bool:
        by_name = self._sort_out(name)
        return bool(self._sort_out(name, _read(archive, info, HEAD))) if by_name is None else by_name

    def _note_class(self, name: str, suffix: str, content: bytes) -> None:
        """Keep what stands beside a picture; whatever cannot be understood is no label."""
        try:
            text = content.decode().strip()
            if suffix == ".json":
                found = parse_json(text)
                label = next((found[key] for key in ("cls", "label", "class") if found.get(key) is not None), "")
                text = one_label(name, _key(name), label)
        except SeveralError as error:
            self.several_labels = str(error)
            return
        except (ValueError, TypeError, AttributeError):
            text = ""
        text = cut(text, _LONGEST_NAME)
        if text:
            self._classes.setdefault(_key(name), text)
        else:
            self.unused.add(unused.OTHER, name)

    def _from_the_beginning(self) -> Iterator[tuple[int, Callable[[], bytes | OSError]]]:
        wanted = {where: number for number, where in enumerate(self._places)}
        for number, path in enumerate(self.paths):
            for place, (info, archive) in enumerate(_infos(path)):
                if (number, place) in wanted:
                    yield wanted[number, place], partial(self._content, archive, info)


def _key(name: str) -> str:
    """What the files of one sample of a WebDataset share: the path up to the first dot of the file's name."""
    path = PurePosixPath(name)
    return str(path.with_name(path.name.partition(".")[0] or path.name))


def _infos(path: Path) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """The members of an archive in order. Raises DataError where it is damaged."""
    try:
        with open_tar(path) as archive:
            for info in archive:
                yield info, archive
                archive.members.clear()  # type: ignore[attr-defined]  # which nobody asks for any more; there may be millions
    except _BROKEN as error:
        raise DataError(_damaged(path, error)) from error
    except OSError as error:
        if of_the_system(error):
            raise
        raise DataError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    if other := of_another_kind(path):
        return f"{path} is no tar archive; {other}"
    words = shown(str(error).partition(":")[0]) or "it is cut off"
    return f"{path} is no whole tar archive ({words}); copy or download it again"


def _read(archive: tarfile.TarFile, info: tarfile.TarInfo, most: int) -> bytes:
    file = archive.extractfile(info)
    if file is None:
        raise OSError("no file")
    with file:
        content = file.read(min(most, info.size))
    if len(content) < min(most, info.size):
        raise EOFError("it is cut off")
    return content
