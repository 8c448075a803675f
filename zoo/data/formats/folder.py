"""A folder of pictures of any sizes and kinds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.cache import digest
from zoo.data.fit import fit_picture
from zoo.data.formats.folder_index import FolderIndex
from zoo.data.formats.picture import SUFFIXES, PictureError, read_picture
from zoo.data.images import Fit, Images, Unreadable
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError
from zoo.system.denied import denied
from zoo.system.names import as_utf8, shown

_PER_ITEM = 16  # files; enough that handing over a work item costs little


class FolderSource(DataSource):
    """All pictures below a folder, in the order of their paths; hidden files and other kinds of files are ignored.

    When every picture lies in an immediate subfolder, and there are at least two of these, their names are the classes.
    Images are grey only when all are (told from the headers). Each keeps its own size until it is fitted.
    """

    name = "folder"
    summary = "A folder of pictures, any sizes and kinds; subfolders are classes."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Any folder, and a single picture, so as to say that its folder is wanted."""
        try:
            path = Path(os.path.expanduser(location))
            return bool(location) and (path.is_dir() or (path.suffix.lower() in SUFFIXES and path.is_file()))
        except (OSError, ValueError):
            return False

    def __init__(self, location: str) -> None:
        self._folder = folder = Path(os.path.expanduser(location))
        if not location or not folder.exists():
            raise DataError(f"there is no folder {location!r}; write --data folder:PATH or --data PATH")
        if not folder.is_dir():
            raise DataError(
                f"{folder} is a single file; give the folder that holds the pictures: --data {folder.parent}"
            )
        try:
            self._index = FolderIndex(folder)
        except PermissionError:
            raise  # `open_source` says so
        except OSError as error:
            raise DataError(f"{folder} cannot be read: {error}") from error
        entries = self._index.entries
        if not entries:
            raise DataError(
                f"{folder} holds no pictures (files such as .png, .jpg or .webp, in it or in its subfolders)"
            )
        good = [entry for entry in entries if entry.problem is None]
        if not good and all(entry.denied for entry in entries):
            raise DataError(
                f"{folder}: none of its {len(entries):,} pictures can be read: {denied(folder / entries[0].name)}"
            )
        if not good:
            first = "; ".join(f"{shown(entry.name)} ({entry.problem})" for entry in entries[:3])
            raise DataError(f"{folder}: not one of its {len(entries):,} pictures can be read: {first}")
        self.title = folder.resolve().name or str(folder)
        self.channels = 1 if all(entry.grey for entry in good) else 3
        sizes = {(entry.width, entry.height) for entry in good}
        if len(sizes) == 1:
            self.width, self.height = sizes.pop()
        self._labels, self.class_names, self.notes = _classes([entry.name for entry in entries])

    def __len__(self) -> int:
        return len(self._index.entries)

    def fingerprint(self) -> str:
        return digest("folder", self._index.fingerprint(), self.channels)

    def chunks(self) -> Iterator[range]:
        """Positions of some files."""
        total = len(self)
        for start in range(0, total, _PER_ITEM):
            yield range(start, min(total, start + _PER_ITEM))

    def decode(self, item: range, spec: DataSpec) -> Iterator[Images | Unreadable]:
        return self._read(item, spec, lambda picture: np.asarray(picture).reshape(1, *picture.size[::-1], -1))

    def fitted(self, item: range, spec: DataSpec, how: Fit) -> Iterator[Images | Unreadable]:
        """As images are stored, straight from Pillow's pictures."""
        return self._read(item, spec, lambda picture: fit_picture(picture, spec, how))

    def _read(
        self, item: range, spec: DataSpec, pixels: Callable[[Image.Image], npt.NDArray[np.uint8]]
    ) -> Iterator[Images | Unreadable]:
        for position in item:
            entry = self._index.entries[position]
            try:
                if entry.problem is not None:
                    raise PictureError(entry.problem)
                picture = read_picture(
                    self._folder / entry.name, 4 if spec.channels == 4 else self.channels, max(spec.width, spec.height)
                )
            except PictureError as error:
                yield Unreadable(shown(entry.name), str(error))
            else:
                labels = np.array([self._labels[position]], np.int64) if self._labels else None
                yield Images(pixels(picture), labels)


def _classes(names: list[str]) -> tuple[list[int], list[str], tuple[str, ...]]:
    """Labels, class names and notes from relative paths; no labels when the folder is not laid out by class."""
    parents = [PurePosixPath(name).parts[:-1] for name in names]
    if all(len(parent) == 1 for parent in parents):
        classes = sorted({parent[0] for parent in parents}, key=as_utf8)
        if len(classes) > 1:
            number = {name: place for place, name in enumerate(classes)}
            return [number[parent[0]] for parent in parents], [shown(name) for name in classes], ()
    if any(parents) and len(set(parents)) > 1:
        return [], [], ("subfolders do not count as classes: not every picture lies in an immediate subfolder",)
    return [], [], ()
