"""Writing a store: decode in parallel, write in order, show it to nobody before it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from zoo.data.formats.picture import pillow_manners
from zoo.data.images import Fit, Images, Unreadable
from zoo.data.parallel import in_order
from zoo.data.shown import Shown
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.temporary import sweep, temporary_folder
from zoo.errors import DataError
from zoo.system.digest import digest_of, with_digest
from zoo.system.disk import size, why_not_written
from zoo.system.reading import not_read

VERSION = 1  # raise it when the same source would be prepared to other bytes

Progress = Callable[[int, int], None]


IMAGES = ("images.u8", "points.f32")
"""The file of the images of a store, and of points."""


def file_name(points: bool) -> str:
    """The file of the images, bytes; of points, little-endian float32."""
    return IMAGES[points]


@contextlib.contextmanager
def written_store(
    source: DataSource,
    spec: DataSpec,
    place: Path,
    *,
    fit: Fit,
    strict: bool,
    progress: Progress | None,
    workers: int | None,
) -> Iterator[Path]:
    """All images, prepared into a temporary folder in `place`, for `install` within the block. Afterwards nothing else is left.

    What killed processes have left there is removed first.
    """
    with contextlib.ExitStack() as stack:
        with _writing(place):
            place.mkdir(parents=True, exist_ok=True)
            sweep(place)
            temporary = stack.enter_context(temporary_folder(place))
        _check_room(place, len(source) * spec.numel * (4 if source.points else 1))
        with pillow_manners():
            _fill(temporary, source, spec, place, fit=fit, strict=strict, progress=progress, workers=workers)
        yield temporary


def install(temporary: Path, directory: Path, whole: Callable[[], bool]) -> None:
    """Give a finished folder its name in one step. When another process was first, its result is as good."""
    with _writing(directory.parent):
        for _ in range(3):
            try:
                os.rename(temporary, directory)
            except OSError:
                if not directory.exists():
                    raise
                if whole():
                    return
                discard(directory)
            else:
                _sync(directory.parent)
                return
        raise OSError(f"{directory.name} cannot be replaced")


def discard(directory: Path) -> bool:
    """Remove a store; whether it is gone. It is moved away before it is deleted, so that nobody meets half of it.

    Whoever has mapped it reads on; where a system does not allow that, the store stays.
    """
    try:
        with temporary_folder(directory.parent) as grave:
            os.rename(directory, grave / "store")
    except OSError:
        return not os.path.lexists(directory)
    return True


def _fill(
    folder: Path,
    source: DataSource,
    spec: DataSpec,
    place: Path,
    *,
    fit: Fit,
    strict: bool,
    progress: Progress | None,
    workers: int | None,
) -> None:
    total = len(source)
    count = 0
    labels = []
    skipped: list[Unreadable] = []
    shown = Shown()
    digest = hashlib.sha256()
    with _writing(place):
        file = (folder / file_name(source.points)).open("wb")
    with contextlib.closing(file):
        for result in _decoded(source, spec, fit, workers):
            for part in result:
                if isinstance(part, Unreadable):
                    if strict:
                        raise DataError(
                            f"{part.name} cannot be read: {part.reason} (--strict; without it the image is skipped)"
                        )
                    skipped.append(part)
                    continue
                with _writing(place):
                    file.write(part.pixels.data)
                digest.update(part.pixels.data)
                count += len(part.pixels)
                if not source.points:
                    shown.look(part.pixels)
                if part.labels is not None:
                    labels.append(part.labels)
            if progress:
                progress(min(count + len(skipped), total), total)
        if count == 0:
            reasons = "; ".join(f"{name} ({reason})" for name, reason in skipped[:3])
            raise DataError(f"{source.title}: not one image can be read" + (f": {reasons}" if reasons else ""))
        if source.classes and sum(map(len, labels)) != count:
            raise DataError(f"{source.title}: some images have no label")
        with _writing(place):
            _finish(file)
    digests = {file_name(source.points): digest.hexdigest()}
    with _writing(place):
        if source.classes:
            packed = np.concatenate(labels).astype("<i8").tobytes()
            digests["labels.i64"] = digest_of(packed)
            _write(folder / "labels.i64", packed)
        meta = {
            "version": VERSION,
            "title": source.title,
            "source": source.opened_as,
            "read_with": dict(source.read_with),
            "fit": fit,
            "shape": [count, spec.height, spec.width, spec.channels],
            "class_names": source.class_names,
            "points": source.points,
            "shown": asdict(shown),
            "skipped": skipped,
            "digests": digests,
        }
        _write(folder / "meta.json", with_digest(meta, indent=1))
        _sync(folder)


def _decoded(source: DataSource, spec: DataSpec, fit: Fit, workers: int | None) -> Iterator[list[Images | Unreadable]]:
    """The fitted images of each work item, in order; only a few items are in memory at a time."""

    def work(item: Any) -> list[Images | Unreadable]:
        return list(source.fitted(item, spec, fit))

    try:
        yield from in_order(work, source.chunks(), workers)
    except OSError as error:
        told = "" if isinstance(error, PermissionError) else f"{source.title} cannot be read on: "
        raise DataError(told + not_read(source.title, error)) from error


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"prepared images cannot be written to {place}: {why_not_written(error, _remedies)}") from error


def _remedies(mend: str) -> str:
    elsewhere = "set ZOO_CACHE to a folder that has room and can be written"
    return f"{mend} there, or {elsewhere}" if mend else elsewhere


def _check_room(place: Path, needed: int) -> None:
    """Say at once what would otherwise fail after an hour."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(place).free
        if needed > free:
            raise DataError(
                f"prepared images need {size(needed)} but {place} has {size(free)} free; "
                "make room there, or set ZOO_CACHE to a folder that has room"
            )


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        _finish(file)


def _finish(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make a rename or a new file in a folder survive a power cut, where folders can be synchronised."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
