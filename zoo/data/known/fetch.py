"""Brings data that is known by name into the cache; what is there already is checked and taken."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.data.cache import cache_directory
from zoo.data.known.catalogue import File, Known
from zoo.data.known.checksum import sha256_of
from zoo.errors import DataError
from zoo.system.disk import size, why_not_written
from zoo.system.lock import locked

log = logging.getLogger(__name__)

MIRROR = "ZOO_MIRROR"
"""Names a folder on the network that is asked in place of the published addresses: it holds NAME/FILE."""
OFFLINE = "ZOO_OFFLINE"
"""Set, and not 0: nothing is asked of the network."""


def downloads(name: str) -> Path:
    """Where data of that name lies, and where a person may put its files."""
    return cache_directory() / "downloads" / name


def offline() -> bool:
    """Whether the network is to be left alone."""
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def fetch(known: Known) -> Path:
    """The first of the files, which the others lie beside; of one that is packed, the folder that comes out of it.

    Processes that want the same data at once take turns, so that it is downloaded once. Raises DataError where it is not here and
    cannot be had, saying which file to put where by hand.
    """
    folder = downloads(known.name)
    if not all(_is_here(file, folder) for file in known.files):
        with _alone(known, folder):
            for file in known.files:
                if not _is_here(file, folder):
                    _bring(known, file, folder)
    first = known.files[0]
    return folder / (first.archive.folder if first.archive else first.name)


def _is_here(file: File, folder: Path) -> bool:
    """Whether the file is there as it can be read. Raises DataError for one that is another than it is called."""
    if file.archive is not None:
        return (folder / file.archive.folder).is_dir()
    return _is_published(file, folder / file.name)


def _is_published(file: File, place: Path) -> bool:
    if not place.is_file():
        return False
    found = f"{place.stat().st_size:,} bytes"
    if place.stat().st_size == file.size:
        found = f"SHA-256 {sha256_of(place)}"
        if found == f"SHA-256 {file.sha256}":
            return True
    raise DataError(
        f"{place} is not the file that was published: {found}; expected {file.size:,} bytes, SHA-256 {file.sha256}; delete it, so "
        "that it is downloaded again, or put the right one there"
    )


@contextmanager
def _alone(known: Known, folder: Path) -> Iterator[None]:
    """With the folder for this process alone."""
    held = False  # before that an error is one of making the folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", lambda: log.info("another process is downloading %s; waiting", known.title)):
            held = True
            yield
    except OSError as error:
        if held:
            raise  # `open_source` says so

        def remedies(mend: str) -> str:
            return f"{mend}, or choose another place with ZOO_CACHE" if mend else "choose another place with ZOO_CACHE"

        raise DataError(f"{folder} cannot be written: {why_not_written(error, remedies)}") from error


def _bring(known: Known, file: File, folder: Path) -> None:
    from zoo.data.known.download import UnavailableError, download  # which few commands need, and which take their time
    from zoo.data.known.unpack import unpack

    place = folder / file.name
    if not _is_published(file, place):
        try:
            if offline():
                raise UnavailableError(f"{_addresses(known, file)[0]}: {OFFLINE} is set")
            download(file, _addresses(known, file), place)
        except UnavailableError as problem:
            raise DataError(
                f"--data {known.name}: {file.name} cannot be downloaded ({problem}); put {file.name} ({size(file.size)}, SHA-256 "
                f"{file.sha256}) into {folder}, or name a mirror: {MIRROR}=URL, where URL/{known.name}/{file.name} is the file"
            ) from problem
        log.info("%s: %s is in %s", known.title, file.name, folder)
    if file.archive is not None:
        try:
            unpack(place, file.archive)
        except OSError as error:
            raise DataError(f"{place} cannot be unpacked there: {why_not_written(error, lambda mend: mend)}") from error


def _addresses(known: Known, file: File) -> list[str]:
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if mirror and not mirror.lower().startswith(("http://", "https://", "file://")):
        raise DataError(f"{MIRROR}={mirror} is no address; one begins with https://, http:// or file://")
    folders = (f"{mirror}/{known.name}",) if mirror else known.addresses
    return [f"{folder}/{file.name}" for folder in folders]
