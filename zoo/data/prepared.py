"""The prepared stores that lie in the cache: what each is, and how they are removed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.data.cache import cache_directory
from zoo.data.store_writer import discard
from zoo.system.disk import size
from zoo.system.names import shown
from zoo.system.parsing import parse_json
from zoo.system.reading import read_plain

log = logging.getLogger(__name__)

_LONGEST = 256 << 20  # bytes of a meta.json

UNUSED = 24 * 3600
"""Seconds without use after which the images of a place that has changed are removed once the new ones are prepared: until then
someone may be changing to and fro."""


@dataclass(frozen=True)
class Prepared:
    """One store, as its meta.json describes it; one that is damaged has no images."""

    directory: Path
    title: str = "damaged"
    source: str = ""
    """Where its data was opened, as `DataSource.opened_as`; empty for stores from before that was written down."""
    shape: tuple[int, ...] = (0, 0, 0, 0)
    """(N, H, W, C)."""
    fit: str = ""
    read_with: tuple[tuple[str, str], ...] = ()
    """The options that its data was read with, as `DataSource.read_with`."""
    bytes: int = 0
    used: float = 0.0
    """When it was last opened, in seconds since 1970."""

    @property
    def name(self) -> str:
        """What it is called: the key by which it is found."""
        return self.directory.name


def place(cache: Path | None = None) -> Path:
    """The folder of the prepared stores."""
    return (cache or cache_directory()) / "prepared"


def prepared_stores(cache: Path | None = None) -> list[Prepared]:
    """All of them, the last used first."""
    return sorted(_found(place(cache)), key=lambda store: store.used, reverse=True)


def mark_used(directory: Path) -> None:
    """Note that a store is opened now; where that cannot be noted, it is not."""
    try:
        os.utime(directory / "meta.json")
    except OSError:
        log.debug("%s cannot be marked as used", directory)


def remove(stores: list[Prepared]) -> list[Prepared]:
    """Remove stores; returns those that could be. Whoever has one open keeps it, where the system can do that."""
    return [store for store in stores if discard(store.directory)]


def remove_outdated(directory: Path) -> None:
    """Remove what was prepared from the same place, to the same geometry, before its content changed, and is not used any more.

    `directory` is the store of today's content. Only of files and folders, which have one content at a time.
    """
    stores = list(_found(directory.parent))
    today = next((store for store in stores if store.directory == directory), None)
    if today is None or not any(map(os.path.isabs, (today.source, today.source.partition(":")[2]))):
        return
    outdated = [
        store
        for store in stores
        if store.directory != directory
        and (store.source, store.shape[1:], store.fit, store.read_with)
        == (today.source, today.shape[1:], today.fit, today.read_with)
        and store.used < time.time() - UNUSED
    ]
    if removed := remove(outdated):
        freed = size(sum(store.bytes for store in removed))
        log.info("%s has changed: what was prepared from it before is removed (%s)", today.source, freed)


def _found(folder: Path) -> Iterator[Prepared]:
    try:
        directories = [each for each in folder.iterdir() if not each.name.startswith(".") and each.is_dir()]
    except OSError:
        return
    for directory in directories:
        try:
            held = sum(file.stat().st_size for file in directory.iterdir())
            used = directory.stat().st_mtime
        except OSError:  # removed meanwhile
            continue
        try:
            used = (directory / "meta.json").stat().st_mtime
            meta = parse_json(read_plain(directory / "meta.json", _LONGEST))
            shape = tuple(int(side) for side in meta["shape"])
            read_with = tuple(sorted((str(key), str(value)) for key, value in meta.get("read_with", {}).items()))
            named = shown(str(meta["title"])), str(meta.get("source", "")), shape, str(meta.get("fit", ""))
            yield Prepared(directory, *named, read_with, held, used)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            yield Prepared(directory, bytes=held, used=used)
