"""CIFAR-10 and CIFAR-100 as their authors publish them: the binary version and the Python version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.data.cache import digest, hash_file
from zoo.data.formats import cifar_pickle
from zoo.data.images import Images
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError
from zoo.system.names import printable
from zoo.system.reading import absent, is_file, is_folder, open_plain, read_plain

_PIXELS = 3 * 32 * 32
_PER_CHUNK = 256
_NAMES = 1 << 20  # bytes of a file of names that are read at most
_FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py", "cifar-100-binary", "cifar-100-python")


class _Version(NamedTuple):
    """One of the four ways in which CIFAR is published."""

    title: str
    files: tuple[str, ...]
    classes: int
    names: str
    label_bytes: int  # 0: the Python version
    label_key: str


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_VERSIONS = (
    _Version("CIFAR-10", tuple(f"{name}.bin" for name in _BATCHES), 10, "batches.meta.txt", 1, ""),
    _Version("CIFAR-10", _BATCHES, 10, "batches.meta", 0, "labels"),
    _Version("CIFAR-100", ("train.bin",), 100, "fine_label_names.txt", 2, ""),
    _Version("CIFAR-100", ("train",), 100, "meta", 0, "fine_labels"),
)

Item = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


class CifarSource(DataSource):
    """The training images of CIFAR-10 or CIFAR-100 (with its hundred fine labels).

    The location is the unpacked folder, or the folder around it. https://www.cs.toronto.edu/~kriz/cifar.html
    """

    name = "cifar"
    summary = "CIFAR-10 and CIFAR-100, unpacked, binary or Python version."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A folder with the files of one version; an archive too, so as to say that it must be unpacked."""
        try:
            path = Path(os.path.expanduser(location))
            return bool(location) and (_is_archive(path) or _find(path) is not None)
        except (OSError, ValueError) as error:
            return absent(error)

    def __init__(self, location: str) -> None:
        path = Path(os.path.expanduser(location))
        if _is_archive(path):
            raise DataError(f"{path} is packed; unpack it (tar xf {path.name}) and give the folder that comes out")
        found = _find(path)
        if not location or found is None:
            raise DataError(f"{location!r} holds no CIFAR data; expected a folder such as {', '.join(_FOLDERS)}")
        self._folder, self._version = found
        wanted = [self._folder / name for name in self._version.files]
        self._files = [file for file in wanted if is_file(file)]
        if missing := [file.name for file in wanted if file not in self._files]:
            self.notes = (f"{', '.join(missing)} missing from {self._folder.name}; the other files are used",)
        self.channels, self.height, self.width = 3, 32, 32
        self._count = sum(self._count_in(file) for file in self._files)
        self.class_names = self._names()
        self.title = self._version.title

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> str:
        return digest("cifar", self._version.title, *self.class_names, *(hash_file(file) for file in self._files))

    def chunks(self) -> Iterator[Item]:
        """(pixels (n, 3072) plane by plane, labels (n,))."""
        for file in self._files:
            for rows, labels in self._parts(file):
                bad = labels[(labels < 0) | (labels >= self._version.classes)]
                if len(bad):
                    raise DataError(
                        f"{file} holds the label {bad[0]}; {self._version.title} has 0 to {self.classes - 1}"
                    )
                yield rows, labels

    def decode(self, item: Item, spec: DataSpec) -> Iterator[Images]:
        rows, labels = item
        yield Images(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels)

    def _count_in(self, file: Path) -> int:
        if not self._version.label_bytes:
            return len(self._unpickled(file)[0])
        record = self._version.label_bytes + _PIXELS
        size = file.stat().st_size
        if size == 0 or size % record:
            raise DataError(
                f"{file} has {size:,} bytes, which is not a whole number of images of {record:,}; copy it again"
            )
        return size // record

    def _parts(self, file: Path) -> Iterator[Item]:
        labelled = self._version.label_bytes
        if not labelled:
            rows, labels = self._unpickled(file)
            for start in range(0, len(rows), _PER_CHUNK):
                yield rows[start : start + _PER_CHUNK], labels[start : start + _PER_CHUNK]
            return
        record = labelled + _PIXELS
        with open_plain(file) as stream:
            while data := stream.read(_PER_CHUNK * record):
                if len(data) % record:
                    raise DataError(f"{file} is cut off; copy it again")
                records = np.frombuffer(data, np.uint8).reshape(-1, record)
                # Before the pixels: the label, in CIFAR-100 the coarse one and then the fine one.
                yield records[:, labelled:], records[:, labelled - 1].astype(np.int64)

    def _unpickled(self, file: Path) -> Item:
        content = cifar_pickle.load(file)
        rows = cifar_pickle.pixels(file, content)
        labels: Any = content.get(self._version.label_key)
        if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
            raise DataError(f"{file} is no {self._version.title} file: it has no list {self._version.label_key!r}")
        if len(labels) != len(rows):
            raise DataError(f"{file} holds {len(rows):,} images but {len(labels):,} labels; copy it again")
        if not labels:
            raise DataError(f"{file} holds no images")
        return rows, np.clip(np.array(labels, dtype=object), -1, 1000).astype(np.int64)

    def _names(self) -> list[str]:
        """The names of the classes; their numbers where the file of names is missing."""
        path = self._folder / self._version.names
        names: list[str] = []
        if is_file(path):
            if self._version.label_bytes:
                names = [printable(name) for name in read_plain(path, _NAMES).decode("utf-8", "replace").split()]
            else:
                key = "label_names" if self._version.classes == 10 else "fine_label_names"
                names = cifar_pickle.names(cifar_pickle.load(path), key)
        return names if len(names) == self._version.classes else [str(n) for n in range(self._version.classes)]


def _is_archive(path: Path) -> bool:
    return path.name.startswith("cifar-10") and path.name.endswith((".tar.gz", ".tgz", ".tar")) and is_file(path)


def _find(path: Path) -> tuple[Path, _Version] | None:
    """The folder of the files and their version: `path` itself, or the one well-known folder in it."""
    if not is_folder(path):
        return None
    for folder in (path, *(path / name for name in _FOLDERS)):
        for version in _VERSIONS:
            # A folder called "train" with pictures in it is nothing of ours, nor is any file of that name.
            if is_file(folder / version.files[0]) and (len(version.files) > 1 or is_file(folder / version.names)):
                return folder, version
    return None
