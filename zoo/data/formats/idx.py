"""IDX files: MNIST, Fashion-MNIST, KMNIST, EMNIST and the embedded digits, plain or gzip."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.bounds import check_image, check_memory
from zoo.data.cache import digest, hash_file
from zoo.data.formats.idx_file import IdxFile
from zoo.data.images import Images
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError
from zoo.system.names import shown
from zoo.system.reading import absent, is_file, is_folder

_CHUNK = 1 << 20  # bytes of images per work item
_IMAGES = re.compile(r"images[-.]idx3[-.]ubyte(\.gz)?$")
_LABELS = re.compile(r"labels[-.]idx1[-.]ubyte(\.gz)?$")
_TORCHVISION = ("MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST")  # each with its files in a folder raw/


class IdxSource(DataSource):
    """Images (and labels, when their file lies beside) in the IDX format of MNIST.

    The location is an images file or a folder that holds one, itself or as torchvision keeps it (MNIST/raw). EMNIST
    stores images transposed; they are turned back.
    """

    name = "idx"
    summary = "MNIST-like IDX files, plain or gzip: MNIST, Fashion-MNIST, KMNIST, EMNIST."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A file that is named or begins like IDX, or a folder with such an images file."""
        path = Path(os.path.expanduser(location))
        try:
            if is_folder(path):
                return bool(_image_files(path) or _below(path))
            return is_file(path) and (_is_idx_name(path.name) or IdxFile.looks_like(path))
        except (OSError, ValueError) as error:
            return absent(error)

    def __init__(self, location: str) -> None:
        path = Path(os.path.expanduser(location))
        if not location or not path.exists():
            raise DataError(
                f"there is no file or folder {location!r}; --data idx:PATH wants IDX images or their folder"
            )
        if is_folder(path):
            path, self.notes = _choose(path)
        if _LABELS.search(path.name):
            raise DataError(f"{path} holds labels; give the images file beside it, or their folder")
        self._file = IdxFile(path, dimensions=3, what="images")
        count, self.height, self.width = self._file.shape
        self._count = count
        self.channels = 1
        if count == 0:
            raise DataError(f"{path} holds no images (its header says 0)")
        check_image(f"{path}: its header says that it", self.height, self.width)
        self._file.check_length()
        self._transposed = path.name.startswith("emnist")
        if self._transposed:
            self.height, self.width = self.width, self.height
        self._label_path = _labels_beside(path)
        self._labels, self.class_names = self._read_labels()
        self.title = shown(path.name)

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> str:
        labels = hash_file(self._label_path) if self._label_path else None
        return digest("idx", hash_file(self._file.path), labels, self._transposed)

    def chunks(self) -> Iterator[tuple[int, bytes]]:
        """(index of the first image, raw bytes of some images)."""
        size = self._file.item_bytes
        per_chunk = max(1, _CHUNK // size)
        start = 0
        for data in self._file.pieces(per_chunk * size):
            yield start, data
            start += len(data) // size

    def decode(self, item: tuple[int, bytes], spec: DataSpec) -> Iterator[Images]:
        start, data = item
        pixels = np.frombuffer(data, np.uint8).reshape(-1, *self._file.shape[1:])
        if self._transposed:
            pixels = pixels.transpose(0, 2, 1)
        labels = None if self._labels is None else self._labels[start : start + len(pixels)]
        yield Images(pixels[..., None], labels)

    def _read_labels(self) -> tuple[npt.NDArray[np.int64] | None, list[str]]:
        if self._label_path is None:
            return None, []
        file = IdxFile(self._label_path, dimensions=1, what="labels")
        if file.shape[0] != self._count:
            raise DataError(
                f"{self._label_path} holds {file.shape[0]:,} labels but {self._file.path.name} holds "
                f"{self._count:,} images; the two files must belong together"
            )
        file.check_length()
        check_memory(f"{self._label_path}", self._count, 1)
        raw = np.frombuffer(b"".join(file.pieces(_CHUNK)), np.uint8)
        # EMNIST letters start at 1, and a subset may lack classes: the networks want 0..K-1 without gaps.
        values, labels = np.unique(raw, return_inverse=True)
        return labels.astype(np.int64), [str(value) for value in values]


def _is_idx_name(name: str) -> bool:
    return bool(_IMAGES.search(name) or _LABELS.search(name))


def _image_files(folder: Path) -> list[Path]:
    """The images files in a folder; of a file and its gzip only the file."""
    found = {entry.name: entry for entry in sorted(folder.iterdir()) if _IMAGES.search(entry.name) and is_file(entry)}
    return [entry for name, entry in found.items() if not (name.endswith(".gz") and name[:-3] in found)]


def _below(folder: Path) -> list[Path]:
    """The folders in which torchvision keeps the files of data, where `folder` is its root or the folder of one set."""
    inner = [folder / "raw", *(folder / name / "raw" for name in _TORCHVISION)]
    return [place for place in inner if is_folder(place) and _image_files(place)]


def _choose(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """The images file in a folder, and what a person should know of the choice."""
    if not _image_files(folder) and (places := _below(folder)):
        if len(places) > 1:
            names = ", ".join(str(place) for place in places)
            raise DataError(f"{folder} holds several data sets; point --data at one of these folders: {names}")
        chosen, _ = _choose(places[0])
        return chosen, (f"{chosen.relative_to(folder)} in {folder} is used",)
    found = _image_files(folder)
    if not found:
        raise DataError(f"{folder} holds no IDX images; expected a file such as train-images-idx3-ubyte.gz")
    train = [path for path in found if "train" in path.name]
    candidates = train or found
    if len(candidates) > 1:
        names = ", ".join(path.name for path in candidates)
        raise DataError(f"{folder} holds several data sets ({names}); point --data at one of these files")
    chosen = candidates[0]
    others = [path.name for path in found if path != chosen]
    return chosen, ((f"{chosen.name} is used; {', '.join(others)} beside it is not",) if others else ())


def _labels_beside(images: Path) -> Path | None:
    """The labels file that belongs to an images file, plain or gzip; None when there is none."""
    name = images.name.replace("images", "labels").replace("idx3", "idx1")
    if name == images.name:
        return None
    stem = name.removesuffix(".gz")
    for candidate in (name, stem, stem + ".gz"):
        if is_file(images.parent / candidate):
            return images.parent / candidate
    return None
