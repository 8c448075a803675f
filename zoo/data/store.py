"""The prepared images: decoded and resized once, kept in the cache, memory-mapped ever after."""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from zoo.data.cache import digest
from zoo.data.images import Fit, Unreadable
from zoo.data.prepared import mark_used, place, remove_outdated
from zoo.data.shown import Shown
from zoo.data.source import DataSource
from zoo.data.spec import CHANNELS, DataSpec
from zoo.data.store_writer import IMAGES, VERSION, discard, file_name, install, written_store
from zoo.errors import DataError, unknown
from zoo.system.digest import digest_of_file, digest_state
from zoo.system.names import printable, shown
from zoo.system.parsing import parse_json
from zoo.system.reading import TooLargeError, is_folder, not_read, open_plain, read_plain, reading

log = logging.getLogger(__name__)

SMALL = 64 << 20
"""Bytes of images that are compared with their digest in a moment, some 50 ms."""
_LONGEST = 256 << 20  # bytes of a meta.json, which names each image that was skipped


class ImageStore:
    """The read side of a prepared data set.

    `images` is a read-only uint8 array (N, H, W, C) over a memory map: nothing is read before it is looked at. Of four channels
    colours are multiplied with the last, alpha (`zoo.data.transparency.straight` divides them). Of points
    (`spec.points`) it is float32 (N, 1, d, 1) in [-1, 1].
    `labels` is int64 (N,) with values in 0..spec.classes-1, or None. `spec` is the geometry and the number of classes,
    `class_names` one name per class, `skipped` the images that could not be read, `notes` what happened to the images
    on the way in, `directory` where it all lies. Raises DataError when the files do not fit each other.
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[np.int64] | None

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            written = read_plain(directory / "meta.json", _LONGEST)
            meta = parse_json(written)
            if digest_state(written) == "broken":
                raise ValueError("meta.json is not what was written")
            digests = meta.get("digests", {})
            self._digests = {name: str(digests[name]) for name in (*IMAGES, "labels.i64") if name in digests}
            shape = tuple(int(size) for size in meta["shape"])
            self.class_names = [printable(str(name)) for name in meta["class_names"]]
            seen = meta.get("shown", {})
            if not all(isinstance(count, int) for count in seen.values()):
                raise ValueError("what its images show is no count")
            self.shown = Shown(**seen)
            self.skipped = [Unreadable(shown(str(name)), shown(str(reason))) for name, reason in meta["skipped"]]
            if meta["version"] != VERSION or len(shape) != 4 or min(shape) < 1:
                raise ValueError("unknown version or shape")
            points = meta.get("points", False) is True
            dtype = np.dtype("<f4" if points else np.uint8)
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            with open_plain(directory / file_name(points)) as file:
                if os.fstat(file.fileno()).st_size != size:
                    raise ValueError(f"{file_name(points)} is not whole")
                self._map = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            self.images = np.frombuffer(self._map, dtype).reshape(shape)
            self.labels = None
            if self.class_names:
                raw = read_plain(directory / "labels.i64", 8 * shape[0])
                if len(raw) != 8 * shape[0]:
                    raise ValueError("labels.i64 is not whole")
                self.labels = np.frombuffer(raw, "<i8").astype(np.int64, copy=False)
        except (FileNotFoundError, NotADirectoryError, TooLargeError) as error:
            raise DataError(
                f"the prepared data in {directory} is damaged ({error}); zoo cache clear {directory.name[:10]} removes it"
            ) from error
        except OSError as error:
            raise DataError(_unread(directory, error)) from error
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise DataError(
                f"the prepared data in {directory} is damaged ({error}); zoo cache clear {directory.name[:10]} removes it"
            ) from error
        _, height, width, channels = shape
        self.spec = DataSpec(channels, height, width, len(self.class_names), points)
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self.images)

    def order_classes(self, names: list[str]) -> bool:
        """Number the classes in another order of the same names, in memory alone; False where the names are others."""
        if names == self.class_names:
            return True
        if len(set(names)) != len(names) or sorted(names) != sorted(self.class_names):
            return False
        place = {name: index for index, name in enumerate(names)}
        if self.labels is not None:
            self.labels = np.array([place[name] for name in self.class_names], np.int64)[self.labels]
        self.class_names = list(names)
        return True

    def damage(self, stopped: Callable[[], bool] = lambda: False) -> str:
        """Read all of it and compare it with the digests of what was written: the first file that is another, or empty.

        Some 0.8 s for a GiB that is in memory. Stores from before there were digests have nothing to be compared with. It ends
        early, and says nothing, where `stopped` becomes true. Raises DataError where a file cannot be read.
        """
        for name, written in self._digests.items():
            try:
                found = digest_of_file(self.directory / name, stopped)
            except FileNotFoundError:  # removed while it is in use, as it may be: the mapping is still whole
                return ""
            except OSError as error:  # it may be whole
                raise DataError(_unread(self.directory, error)) from error
            if found not in ("", written):
                return f"{name} is not what was written, its checksum (SHA-256) does not match"
        return ""

    @property
    def is_small(self) -> bool:
        """Whether `damage` takes no time to speak of."""
        return self.images.nbytes <= SMALL

    @property
    def has_digests(self) -> bool:
        """Whether `damage` has anything to compare with."""
        return bool(self._digests)

    def discard(self) -> bool:
        """Remove it from the cache; whether it is gone. What is mapped stays readable."""
        return discard(self.directory)

    def release(self) -> None:
        """Let the mapped pages leave this process's resident memory; they are read again when they are looked at.

        Does nothing where the system has no such call.
        """
        if hasattr(self._map, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def prepare(
    source: DataSource,
    spec: DataSpec,
    *,
    fit: Fit = "crop",
    strict: bool = False,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    check: bool = True,
) -> ImageStore:
    """The store of a source's images at the channels and size of `spec`; made now unless the cache has it.

    `progress(done, total)` is called while images are decoded; what a person should know (a change of size, skipped files) is
    logged, as ``zoo.data``. `fit`: an image of another aspect gives its middle ("crop"), or is squeezed in whole
    ("stretch"). An image that cannot be read is skipped; with `strict` it is a DataError. `workers` is the number of
    decoding threads (all cores). `cache` replaces the directory of `cache_directory()`. `check`: whether what the cache has is
    compared with its digests first, and made anew where it is damaged (`ImageStore.damage`), as small
    ones always are. `spec.classes` is not
    used: the store has the source's. Raises DataError when nothing is left, or the cache cannot be written.
    """
    if spec.channels not in CHANNELS or spec.height < 1 or spec.width < 1:
        raise DataError(f"images cannot be prepared as {spec.shape}: channels must be 1, 3 or 4, each side at least 1")
    if fit not in get_args(Fit):
        raise DataError(unknown("fit", str(fit), get_args(Fit)))
    folder = place(cache)
    if strict and source.unused:
        raise DataError(
            f"{source.title}: not used: {'; '.join(source.unused)} (--strict; without it they are left out)"
        )
    directory = store_directory(source, spec, fit, folder)
    store = _open_whole(directory)
    if store is not None and (check or store.is_small) and (damage := store.damage()):
        log.warning("the prepared data in %s is damaged (%s); it is prepared anew", directory, damage)
        store = None if store.discard() else store
    if store is None or not _fits(store, source):
        progress = None if source.points else progress  # points are made in a moment
        with written_store(
            source, spec, folder, fit=fit, strict=strict, progress=progress, workers=workers
        ) as temporary:
            install(temporary, directory, whole=lambda: _fits(_open_whole(directory), source))
        store = ImageStore(directory)
        store.order_classes(source.class_names)
        remove_outdated(directory)
    else:
        mark_used(directory)
    if strict and store.skipped:
        first = store.skipped[0]
        raise DataError(f"{first.name} cannot be read: {first.reason} (--strict; without it the image is skipped)")
    store.notes = [*source.notes, *_notes(source, store, fit)]
    for note in store.notes:
        log.info(note)
    return store


def store_directory(source: DataSource, spec: DataSpec, fit: Fit, folder: Path) -> Path:
    """Where in `folder` the store of a source's images lies, whether or not it is made."""
    kind = [name for name, holds in (("points", source.points), ("stretch", fit == "stretch")) if holds]
    # The key of images that are cropped has no such word: their stores are older than the others.
    with reading(source.title, DataError):
        content = source.fingerprint()
    return folder / digest(VERSION, content, spec.channels, spec.height, spec.width, *kind)


def _unread(directory: Path, error: OSError) -> str:
    return f"{not_read(directory, error)}; or set ZOO_CACHE to a folder of your own"


def _fits(store: ImageStore | None, source: DataSource) -> bool:
    return store is not None and store.order_classes(source.class_names)


def _open_whole(directory: Path) -> ImageStore | None:
    """The store, or None when it is missing or damaged."""
    try:
        if not is_folder(directory):
            return None
        return ImageStore(directory)
    except OSError as error:
        raise DataError(_unread(directory, error)) from error
    except DataError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError | NotADirectoryError | TooLargeError):
            raise  # it may be whole
        return None


def _notes(source: DataSource, store: ImageStore, fit: Fit) -> list[str]:
    """What happened to the images on their way in, for a person."""
    spec = store.spec
    notes = []
    how = " (the middle is kept)" if fit == "crop" else " (all of each is squeezed in)"
    if source.width is None or source.height is None:
        notes.append(f"images of mixed sizes are resized to {spec.width}×{spec.height}{how}")
    elif (source.width, source.height) != (spec.width, spec.height):
        same_aspect = source.width * spec.height == source.height * spec.width
        native = (
            f"{source.width}×{source.height}×{max(source.channels, spec.channels if spec.channels == 4 else 0)} images"
        )
        notes.append(f"{native} are resized to {spec.width}×{spec.height}" + ("" if same_aspect else how))
    if spec.channels == 4 and source.transparent == 0:
        notes.append("the images have no transparency: every pixel is opaque (--channels 3 leaves it out)")
    elif spec.channels != 4 and source.transparent:
        paper = source.read_with.get("background", "white")
        notes.append(f"transparency of {source.transparent:,} images lies over {paper} (--channels 4 keeps it)")
    if min(source.channels, 3) != min(spec.channels, 3):
        notes.append(
            "colour images are turned to grey" if spec.channels == 1 else "grey images are repeated in three channels"
        )
    notes += store.shown.notes(len(store), source.transparent or 0)
    left = set() if store.labels is None else set(np.unique(store.labels).tolist())
    if empty := [name for label, name in enumerate(store.class_names) if label not in left]:
        notes.append(
            f"no image of {', '.join(empty[:5])} is left; the class keeps its index, and nothing is learnt of it"
        )
    if store.skipped:
        total = len(store) + len(store.skipped)
        first = "; ".join(f"{name} ({reason})" for name, reason in store.skipped[:3])
        more = ", …" if len(store.skipped) > 3 else ""
        notes.append(f"{len(store.skipped):,} of {total:,} images cannot be read and are skipped: {first}{more}")
    return notes
